//! Orders that are not paid: what their pages and the cabinet say of a payment that failed, and the new try.

use crate::payer::{Person, callback, seconds};
use crate::server::{Server, callback_with};
use end_to_end::SECRET;

/// The link of a declined payment is dead at many payment systems: the new try is a new order.
#[test]
fn payer_returning_after_a_decline_may_try_again() {
    let server = Server::new();
    let payer = Person::subscriber(&server);
    let path = payer.top_up("100").header("location").to_owned();
    let order = payer.get(&path).hidden("cs1");
    let pages = || ["", "/returned", "/failed"].map(|step| payer.get(&format!("{path}{step}")).text().to_owned());
    // Nobody has reported a failure, so that the page says none.
    for page in &pages()[1..] {
        assert!(page.contains("<h1>Ждём подтверждения</h1>") && page.contains("data-watched"), "{page}");
        assert!(!page.contains("отказ") && !page.contains("Перейти к оплате"), "{page}");
        assert!(page.contains("Проверить сейчас") && page.contains(&format!("href=\"{path}\">Вернуться к оплате")), "{page}");
    }
    let anew = || payer.post(&format!("{path}/again"), &[]).header("location").to_owned();
    assert_eq!(anew(), path, "it can still be paid");
    assert_eq!(server.callback(&callback_with(&order, "7", &[("transaction_type", "decline")])).0, 200);
    for page in pages() {
        assert!(page.contains("<h1>Платёж отклонён</h1>") && page.contains("data-order=\"declined\""), "{page}");
        assert!(page.contains("Попробовать ещё раз") && !page.contains("Перейти к оплате"), "{page}");
        assert!(page.contains("data-watched") && !page.contains("второй раз не нужно"), "{page}");
    }
    // In the cabinet the form has the amount and the payment system.
    let form = payer.get(&anew());
    assert!(form.text().contains("value=\"100,00\"") && form.text().contains("Пополнить"), "{}", form.text());
    assert!(form.text().contains("платёж отклонён") && form.hidden("provider") == "chronopay", "{}", form.text());
    let token = anew().split_once("like=").unwrap().1.to_owned();
    assert!(
        !Person::other(&server).get(&format!("/cabinet?like={token}")).text().contains("value=\"100,00\""),
        "another's order"
    );
    // Elsewhere a new order is made, once.
    let stranger = Person::new(&server, "");
    let again = || stranger.post(&format!("{path}/again"), &[]).header("location").to_owned();
    let second = again();
    assert_eq!(again(), second);
    let page = stranger.get(&second);
    assert!(page.text().contains("<h1>К оплате</h1>") && page.hidden("cs1") != order, "{}", page.text());
    // The payer may have paid by the old link nevertheless.
    assert_eq!(callback(&server, SECRET, &order, "8"), 200);
    assert!(pages().iter().all(|page| page.contains("<h1>Оплачено</h1>")));
    assert_eq!(anew(), path);
}

#[test]
fn a_form_that_is_sent_again_makes_no_other_order() {
    let server = Server::new();
    let payer = Person::subscriber(&server);
    let form = payer.get("/cabinet");
    let (csrf, key) = (form.hidden("csrf"), form.hidden("key"));
    let send = |amount: &str, key: &str| {
        let sent =
            payer.post("/cabinet/orders", &[("csrf", &csrf), ("key", key), ("amount", amount), ("provider", "chronopay")]);
        sent.header("location").to_owned()
    };
    let first = send("100", &key);
    let at_once =
        std::thread::scope(|scope| [(); 3].map(|()| scope.spawn(|| send("100,00", &key))).map(|one| one.join().unwrap()));
    assert!(at_once.iter().all(|one| *one == first), "{first} {at_once:?}");
    let next = payer.get("/cabinet").hidden("key");
    let others = [send("101", &key), send("100", &next)];
    assert!(!others.contains(&first) && others[0] != others[1], "another amount, and another form: {others:?}");
    let connection = rusqlite::Connection::open(server.database()).unwrap();
    assert_eq!(connection.query_row("SELECT count(*) FROM orders", [], |row| row.get::<_, i64>(0)).unwrap(), 3);
}

#[test]
fn the_cabinet_shows_orders_that_are_not_paid() {
    let server = Server::new();
    let payer = Person::subscriber(&server);
    let cabinet = || payer.get("/cabinet").text().to_owned();
    assert!(!cabinet().contains("Не оплачено"));
    let order = |amount: &str| {
        let path = payer.top_up(amount).header("location").to_owned();
        let id = payer.get(&path).hidden("cs1");
        (path, id)
    };
    let [waits, declined, checked, paid, old, over] = ["101", "102", "103", "100", "105", "106"].map(order);
    let tell = |order: &str, transaction: &str, more: &[(&str, &str)]| {
        assert_eq!(server.callback(&callback_with(order, transaction, more)).0, 200);
    };
    tell(&declined.1, "2", &[("transaction_type", "decline"), ("total", "102.00")]);
    tell(&checked.1, "3", &[("total", "3.00")]);
    tell(&paid.1, "4", &[]);
    let connection = rusqlite::Connection::open(server.database()).unwrap();
    let (now, days) = (seconds() as i64, 4 * 24 * 3600);
    connection.execute("UPDATE orders SET created_at = ? WHERE number = ?", [now - days, old.1.parse().unwrap()]).unwrap();
    connection.execute("UPDATE orders SET expires_at = ? WHERE number = ?", [now - 1, over.1.parse().unwrap()]).unwrap();
    let page = cabinet();
    for ((path, _), amount, words) in [
        (&waits, "101,00", "ждёт оплаты или подтверждения"),
        (&declined, "102,00", "платёж отклонён"),
        (&checked, "103,00", "платёж проверяет оператор"),
        (&over, "106,00", "срок оплаты истёк, платёж не поступил"),
    ] {
        let line = format!("<a href=\"{path}/returned\">{amount}\u{a0}₽</a>: {words}");
        assert!(page.contains(&line), "{line}: {page}");
    }
    assert!(!page.contains(&paid.0) && !page.contains(&old.0), "{page}");
    assert!(!Person::other(&server).get("/cabinet").text().contains("Не оплачено"));
}
