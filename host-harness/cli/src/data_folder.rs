//! The data folder of a host: its ledger, key and token, and who may read them.

use std::path::{Path, PathBuf};

use catalog::Catalog;
use gateway::Token;
use host::{Key, Ledger};
use storage_sqlite::{OnLoss, Opened, Sqlite};

use crate::failure::Failure;
use crate::secret_file::{self, Secret};

/// The environment variable with the API's token, instead of a file.
pub const TOKEN_VARIABLE: &str = "HARNESS_TOKEN";
/// What only the host's user should be able to read.
const PRIVATE: [&str; 5] = ["", "ledger.db", "ledger.db-wal", "key", "token"];

/// Creates a data folder that its owner alone may look into, if there is none.
pub fn create(data: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data).map_err(|error| Failure::of_data(data, &error))
}

/// Warns of each file in the folder, and of the folder itself, that every user of the machine may read.
#[cfg(unix)]
pub fn warn_of_rights(data: &Path) {
    const OF_OTHERS: u32 = 0o007;
    for path in PRIVATE.map(|name| if name.is_empty() { data.to_owned() } else { data.join(name) }) {
        let mode = std::fs::metadata(&path).map_or(0, |file| std::os::unix::fs::PermissionsExt::mode(&file.permissions()));
        if mode & OF_OTHERS != 0 {
            let path = path.display();
            tracing::warn!("every user of this machine has access to {path}; run: chmod go= {path}");
        }
    }
}

/// Other systems have no such rights.
#[cfg(not(unix))]
pub fn warn_of_rights(_: &Path) {}

/// Returns the path of the ledger's database in a data folder.
pub fn database(data: &Path) -> PathBuf {
    data.join("ledger.db")
}

/// Opens a ledger, or creates it, and says so.
pub fn ledger(data: &Path) -> Result<Ledger, Failure> {
    refuse_new_ledger(data)?;
    let database = database(data);
    let storage = Sqlite::open(&database).map_err(|error| Failure::of_ledger(&database, &error))?;
    if *storage.opened() == Opened::New {
        eprintln!("host-harness: a new ledger was created: {}", database.display());
    }
    Ok(Ledger::new(storage))
}

/// Refuses to create a ledger in a folder whose lock names payment systems: they had a ledger, which is gone.
fn refuse_new_ledger(data: &Path) -> Result<(), Failure> {
    let database = database(data);
    let is_there = |path: &Path| std::fs::metadata(path).is_ok_and(|file| file.len() > 0);
    // Of a ledger that left its mark the storage can say more.
    if is_there(&database) || is_there(&storage_sqlite::mark_path(&database)) {
        return Ok(());
    }
    let names = match Catalog::open(data).and_then(|catalog| catalog.lock()) {
        Ok(lock) if lock.is_empty() => return Ok(()),
        Ok(lock) => lock.into_keys().collect::<Vec<_>>().join(", "),
        Err(error) => return Err(Failure::Usage(error.to_string())),
    };
    Err(Failure::file(
        &database,
        format!(
            "it is missing or empty, but providers.lock names {names}: restore the database from its newest copy; to begin with an \
            empty ledger instead, start `host-harness serve` once with --accept-loss"
        ),
    ))
}

/// Opens the ledger to serve, and logs what its mark says.
pub fn ledger_to_serve(data: &Path, accept_loss: bool) -> Result<Ledger, Failure> {
    if !accept_loss {
        refuse_new_ledger(data)?;
    }
    let database = &database(data);
    let on_loss = if accept_loss { OnLoss::Accept } else { OnLoss::Refuse };
    let storage = Sqlite::open_with(database, on_loss).map_err(|error| Failure::of_ledger(database, &error))?;
    match storage.opened() {
        Opened::New => tracing::warn!(file = %database.display(), "a new ledger was created, without any accounts or payments"),
        Opened::Whole if accept_loss => tracing::warn!(
            "no commit is missing from the ledger; remove --accept-loss, or the next loss will be accepted without a question"
        ),
        Opened::Whole => {}
        Opened::WithoutMark => tracing::warn!(
            "the ledger had no mark of its last commit, so this program cannot tell whether commits are missing; a mark was created. \
            This is normal after an update of an old version, and for a copy that was restored without ledger.mark"
        ),
        Opened::LossAccepted(loss) => tracing::error!(
            %loss,
            "the loss of these commits was accepted; compare the payments of that time with the payment systems, and run \
            `host-harness ledger check`"
        ),
    }
    Ok(Ledger::new(storage))
}

/// Returns the token from the environment, or from the file, which is created if it does not exist.
pub fn token(data: &Path) -> Result<Token, Failure> {
    let path = &data.join("token");
    let (token, place) = match std::env::var(TOKEN_VARIABLE) {
        Ok(token) => (token, TOKEN_VARIABLE.to_owned()),
        Err(_) => {
            let created = "a new token was created; give it to billing, whose requests get 401 with any other";
            (secret(path, created)?, path.display().to_string())
        }
    };
    Token::new(token).ok_or_else(|| {
        let advice = "`openssl rand -hex 32` makes one";
        Failure::Usage(format!("the token of {place} has less than 32 characters, or a space; {advice}"))
    })
}

/// Returns the secret of a file. If it had to be made, that is logged: the file may have been lost.
fn secret(path: &Path, created: &str) -> Result<String, Failure> {
    let Secret { text, is_new } = secret_file::load_or_generate(path)?;
    if is_new {
        tracing::warn!(file = %path.display(), "{created}");
    }
    Ok(text)
}

/// Returns the key from the file, which is created if it does not exist.
pub fn key(data: &Path) -> Result<Key, Failure> {
    let path = &data.join("key");
    let created = "a new key was created; store a copy of it apart from copies of the ledger. If there was another key before, \
        restore it and restart, or enter the settings of all payment systems again";
    Key::parse(&secret(path, created)?).ok_or_else(|| {
        Failure::file(
            path,
            "it holds no key of 64 hexadecimal digits; restore it from its copy, or remove it and enter all settings anew",
        )
    })
}
