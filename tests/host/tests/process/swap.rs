//! Swapping components while payments arrive: under load, by the lock file, and through crashes.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use catalog::{Catalog, Version};
use end_to_end::{SECRET, component, patched, relabelled, with_custom_section};
use host_tests::host::{PROVIDER, program};
use host_tests::torture::audit_database;
use host_tests::{CallbackSpec, Folder, Host};
use sandbox::Limits;
use sha2::{Digest, Sha256};
use support::Wire;
use support::wire::callback;

const CONNECTIONS: u64 = 64;
/// The pause of a connection after a callback. Without it the connections keep both cores busy, and a swap waits for them most of
/// the time.
const PAUSE_TIME: Duration = Duration::from_millis(50);
const SWAPS: usize = 20;
/// The orders of each connection. Their payments are sent repeatedly.
const ORDERS: u64 = 16;
const KOPECKS: i64 = 10_000;
/// How often the host is killed during a swap.
const CRASHES: usize = 12;
/// The longest wait for a host to apply a lock file. Beyond it the test fails.
const REREAD_TIME_MAX: Duration = Duration::from_secs(60);

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[test]
fn swaps_under_load_lose_no_callback() {
    let folder = Folder::default();
    let host = folder.start();
    let components = [with_custom_section(&component(), "a"), with_custom_section(&component(), "b")];
    let specs: Vec<Vec<CallbackSpec>> = (0..CONNECTIONS).map(|connection| orders(&host, connection)).collect();
    let done = AtomicBool::new(false);
    let (swap_times, callbacks) = std::thread::scope(|scope| {
        let payers: Vec<_> = specs.iter().map(|specs| scope.spawn(|| pay_until(&host, specs, &done))).collect();
        let swaps = (0..SWAPS).map(|at| swap(&host, &components[at % components.len()]));
        let times: Vec<Duration> = swaps.collect();
        done.store(true, Ordering::Relaxed);
        (times, payers.into_iter().map(|payer| payer.join().unwrap()).sum::<u64>())
    });
    for connection in 0..CONNECTIONS {
        assert_eq!(host.api.balance(&account(connection)), KOPECKS * ORDERS as i64, "each payment is credited once");
    }
    assert_eq!(host.api.feed().len() as u64, CONNECTIONS * ORDERS);
    assert!(!folder.log().contains("the provider failed"));
    let mut times = swap_times;
    times.sort_unstable();
    println!(
        "{SWAPS} swaps under {CONNECTIONS} connections, {callbacks} callbacks answered 200; a swap took {:?}, at most {:?}",
        times[times.len() / 2],
        times[times.len() - 1]
    );
    assert!(host.stop().success());
    assert_eq!(audit_database(&folder), [""; 0]);
}

fn account(connection: u64) -> String {
    (100_500 + connection).to_string()
}

fn orders(host: &Host, connection: u64) -> Vec<CallbackSpec> {
    let account = account(connection);
    host.api.put_account(&account);
    let order = |at| CallbackSpec::payment(&host.api.order(&account, KOPECKS), connection * ORDERS + at, KOPECKS);
    (1..=ORDERS).map(order).collect()
}

/// Sends the payments in turn, each at least once, until `done`. Returns how many callbacks were answered.
fn pay_until(host: &Host, specs: &[CallbackSpec], done: &AtomicBool) -> u64 {
    let mut wire = Wire::open(host.address).unwrap();
    let requests: Vec<_> = specs.iter().map(|spec| callback(&spec.body())).collect();
    let mut answered = 0;
    loop {
        for request in &requests {
            assert_eq!(wire.ask(request).unwrap(), 200);
            answered += 1;
            std::thread::sleep(PAUSE_TIME);
        }
        if done.load(Ordering::Relaxed) {
            return answered;
        }
    }
}

/// Swaps a component in, which must be accepted. Returns how long it took.
fn swap(host: &Host, component: &[u8]) -> Duration {
    let began = Instant::now();
    let (status, said) = host.api.try_swap(PROVIDER, component).unwrap();
    assert_eq!((status, &said["swapped"]), (200, &true.into()), "{said}");
    began.elapsed()
}

#[test]
fn changed_lock_is_applied_or_restored() {
    let folder = Folder::default();
    let host = folder.start();
    host.api.put_account("100500");
    assert_eq!(host.api.callback(&CallbackSpec::payment(&host.api.order("100500", KOPECKS), 1, KOPECKS).body()), 200);
    let catalog = Catalog::open(&folder.data()).unwrap();
    let old = component();
    let publish = |name: &str, component: &[u8]| {
        let version = Version::of(&end_to_end::sandbox().load(component, Limits::default()).unwrap());
        catalog.stage(component).unwrap();
        catalog.publish(&name.parse().unwrap(), version).unwrap();
        host.hang_up();
    };
    let locked = |name: &str| catalog.lock().unwrap().get(name).map(|locked| locked.current.sha256.clone());

    let new = with_custom_section(&old, "by hand");
    publish(PROVIDER, &new);
    wait_for("the lock's component", || host.api.in_use(PROVIDER) == sha256(&new));

    // A component that changes the verdict on the earlier payment is not used, and the lock is restored.
    publish(PROVIDER, &patched(&old, "Пополнение баланса через ЛК", "Пополнение баланса через ИК"));
    wait_for("the lock of before", || locked(PROVIDER) == Some(sha256(&new)));
    assert_eq!(host.api.in_use(PROVIDER), sha256(&new));
    assert!(folder.log().contains("it changes the verdict of 1 of the last 1 callbacks"), "{}", folder.log());
    wait_for("a word about it", || folder.log().contains("providers.lock was restored: it names the active component again"));
    host.hang_up();
    wait_for("a word about no change", || folder.log().contains("providers.lock was read again"));

    publish("second", &old);
    wait_for("a provider that was added", || folder.log().contains("provider=\"second\""));
    assert_eq!(host.api.in_use("second"), sha256(&old));
    // An entry that is missing from the lock is written again: only a person takes a payment system out of use.
    catalog.remove(&"second".parse().unwrap()).unwrap();
    catalog.stage(&old).unwrap();
    host.hang_up();
    wait_for("the lock's entry", || locked("second") == Some(sha256(&old)));
    assert!(folder.log().contains("providers.lock did not name it"), "{}", folder.log());
    std::fs::write(folder.data().join("providers.lock"), "").unwrap();
    host.hang_up();
    assert_eq!(
        host.api.callback(&CallbackSpec::payment("none", 77, KOPECKS).body()),
        200,
        "an empty lock takes nothing out of use"
    );
    wait_for("the whole lock", || locked("second").is_some() && locked(PROVIDER) == Some(sha256(&new)));
    assert!(folder.log().contains("providers.lock is empty or missing"), "{}", folder.log());
    assert_eq!(host.api.remove("second"), 204);
    assert_eq!(locked("second"), None);

    // An unreadable lock changes nothing.
    let text = std::fs::read_to_string(folder.data().join("providers.lock")).unwrap();
    std::fs::write(folder.data().join("providers.lock"), text.replace("sha256", "sha265")).unwrap();
    host.hang_up();
    wait_for("a log line about the lock", || folder.log().contains("providers.lock cannot be used"));
    assert_eq!(host.api.in_use(PROVIDER), sha256(&new));
    assert_eq!(host.api.callback(&CallbackSpec::payment(&host.api.order("100500", KOPECKS), 2, KOPECKS).body()), 200);
    std::fs::write(folder.data().join("providers.lock"), text).unwrap();

    // A component with another digest than the lock's is not loaded, and its callbacks are answered 503.
    let file = folder.data().join("components").join(format!("{}.wasm", sha256(&new)));
    std::fs::write(&file, with_custom_section(&old, "by a stranger")).unwrap();
    assert!(host.stop().success());
    let host = folder.start();
    assert!(folder.log().contains("is not what is locked"), "{}", folder.log());
    assert_eq!(host.api.callback("a=1"), 503);
    // Its file is repaired, and the host is signalled.
    std::fs::write(&file, &new).unwrap();
    host.hang_up();
    wait_for("the repaired component", || host.api.callback("a=1") != 503);
    assert_eq!(host.api.in_use(PROVIDER), sha256(&new));
}

/// Swaps on the command line, as an administrator does.
#[test]
fn command_line_swaps_component() {
    let folder = Folder::default();
    let host = folder.start();
    let (token, file) = (folder.data().join("token"), folder.path().join("new.wasm"));
    let swap = |component: &[u8], more: &[&str]| {
        std::fs::write(&file, component).unwrap();
        let mut command = Command::new(program());
        command.args(["swap", PROVIDER]).arg(&file).args(["--host", &format!("http://{}", host.address)]);
        let output = command.arg("--token-file").arg(&token).args(more).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!said.contains(SECRET), "{said}");
        (output.status.code(), said)
    };
    let old = host.api.in_use(PROVIDER);
    let new = relabelled();
    // A value that was entered as a secret stays one. The component is only accepted with the setting's name.
    for more in [&[][..], &["--accept-relabelled", "product-id"]] {
        let (code, said) = swap(&new, more);
        assert!(code == Some(3) && said.contains("shared-sec"), "{code:?} {said}");
        assert_eq!(host.api.in_use(PROVIDER), old);
    }
    let (code, said) = swap(&new, &["--accept-relabelled", "shared-sec"]);
    assert_eq!((code, host.api.in_use(PROVIDER)), (Some(0), sha256(&new)), "{said}");
    // A swap may set a setting. If the provider refuses the value, the swap fails.
    let (code, said) = swap(&with_custom_section(&component(), "x"), &["--set", "product-id=1"]);
    assert!(code == Some(3) && said.contains("product-id"), "{code:?} {said}");
    let (code, said) = swap(&with_custom_section(&component(), "x"), &["--set", "comment=По телефону"]);
    assert_eq!(code, Some(0), "{said}");
    let order = {
        host.api.put_account("100500");
        host.api.order("100500", KOPECKS)
    };
    assert_eq!(host.api.callback(&CallbackSpec::payment(&order, 1, KOPECKS).body()), 200);
    assert_eq!(host.api.balance("100500"), KOPECKS);
}

/// Waits until a condition holds. The time limit only ends a failed test.
pub fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < REREAD_TIME_MAX, "{what} did not appear");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn host_killed_during_swap_starts_with_one_of_the_two() {
    let folder = Folder::default();
    let components = [with_custom_section(&component(), "a"), with_custom_section(&component(), "b")];
    let digests = [sha256(&component()), sha256(&components[0]), sha256(&components[1])];
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut transaction, mut used) = (0, std::collections::BTreeSet::new());
    for crash in 0..CRASHES {
        let host = folder.start();
        let in_use = host.api.in_use(PROVIDER);
        assert!(digests.contains(&in_use), "crash {crash}: {in_use}");
        used.insert(in_use);
        host.api.put_account("100500");
        transaction += 1;
        let spec = CallbackSpec::payment(&host.api.order("100500", KOPECKS), transaction, KOPECKS);
        assert_eq!(host.api.callback(&spec.body()), 200, "crash {crash}");
        let api = host.api.clone();
        let swapping = std::thread::spawn({
            let components = components.clone();
            // Until the host is gone.
            move || components.iter().cycle().take_while(|component| api.try_swap(PROVIDER, component).is_ok()).count()
        });
        std::thread::sleep(Duration::from_millis(rng.u64(0..1500)));
        host.kill();
        swapping.join().unwrap();
    }
    let host = folder.start();
    assert_eq!(host.api.balance("100500"), KOPECKS * CRASHES as i64);
    println!("{CRASHES} crashes, {} components were found in use", used.len());
    assert!(host.stop().success());
    assert_eq!(audit_database(&folder), [""; 0]);
}
