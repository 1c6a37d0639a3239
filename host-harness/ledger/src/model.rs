//! What the ledger keeps.

use std::fmt;

use money::Currency;
use time::{Date, Month};

/// An amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Money {
    /// In the currency's minor units.
    pub minor_units: i64,
    /// By ISO 4217.
    pub currency: Currency,
}

impl Money {
    /// The same the other way: what takes it back.
    pub fn negated(self) -> Money {
        Money { minor_units: self.minor_units.saturating_neg(), ..self }
    }
}

/// What the law sees in a subscriber.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PartyKind {
    /// «Физическое лицо»
    Individual,
    /// «Индивидуальный предприниматель»
    SoleProprietor,
    /// «Юридическое лицо»
    Company,
}

/// A subscriber's account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Its number, unique.
    pub number: String,
    /// The subscriber's name.
    pub name: String,
    /// What the law sees in the subscriber.
    pub kind: PartyKind,
    /// The contract's number; may be empty.
    pub contract: String,
    /// The contract's day.
    pub contract_date: Option<Day>,
    /// «ИНН»; may be empty.
    pub inn: String,
    /// «КПП»; may be empty.
    pub kpp: String,
    /// What a foreign company that has no «ИНН» is known by to its own tax service; may be empty.
    pub foreign_tax_number: String,
}

/// Why an account is not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountRefusal {
    /// No export could name it: what is wrong, field by field.
    Faults(Vec<Fault>),
    /// Another account has the same «ИНН» and «КПП», or without «ИНН» the same foreign tax number, which are one buyer's, under another
    /// name or kind.
    OtherName {
        /// The other account's number.
        account: String,
        /// The name that it has.
        name: String,
    },
}

/// What keeps an account or a write-off from being exported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// For a program: one of the contract's codes, or `unknown-account`, `id-reused`, `other-unit`.
    pub code: &'static str,
    /// The field, as it is named here; with a dot before one within it: `amount.currency`.
    pub field: String,
    /// For a person, in English: what is wrong and what to do.
    pub message: String,
}

/// What an account has in one currency: positive is the subscriber's.
pub type Balance = Money;

/// An order to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewOrder {
    /// The account that a payment of it credits.
    pub account: String,
    /// The provider that may pay it.
    pub provider: String,
    /// What a payment of it must be, exactly. Positive.
    pub amount: Money,
    /// What the subscriber sees.
    pub description: String,
    /// Two orders with one key are one order.
    pub idempotency_key: Option<String>,
    /// When its link ends, seconds since the epoch; a payment that comes later is credited all the same.
    pub expires_at: Option<u64>,
}

/// An order: the ledger's promise to credit an account once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Order {
    /// Its id, unique over all providers.
    pub id: String,
    /// As it was asked for.
    pub order: NewOrder,
    /// When it was made, seconds since the epoch.
    pub created_at: u64,
    /// The entry that paid it.
    pub paid_by: Option<u64>,
}

/// How many orders of a provider are not paid, whatever their age.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct OpenOrders {
    /// All of them.
    pub all: u64,
    /// Those that were made lately.
    pub recent: u64,
}

/// Why an order is not made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OrderRefusal {
    /// There is no such account.
    UnknownAccount,
    /// The amount is not positive.
    AmountNotPositive,
    /// The idempotency key was used for another order.
    KeyReused,
}

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum EntryKind {
    /// Money that came in by a payment system.
    Payment,
    /// Money that went back.
    Refund,
    /// Money that the payer's bank took back.
    Chargeback,
    /// A charge for a service.
    WriteOff,
    /// What an operator entered.
    Correction,
}

/// An entry to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEntry {
    /// The account.
    pub account: String,
    /// What it is.
    pub kind: EntryKind,
    /// What the balance changes by: negative where money leaves the account.
    pub amount: Money,
    /// What stands in the statistics.
    pub comment: String,
    /// The order that it is about.
    pub order: Option<String>,
    /// The payment system's id.
    pub transaction: Option<String>,
    /// The provider that told of it.
    pub provider: Option<String>,
    /// When it is entered, seconds since the epoch.
    pub at: u64,
    /// The day that statistics count it by, where that is not the day of `at`: a write-off's date.
    pub date: Option<Day>,
    /// The operator's decision that it was made by, where it was.
    pub decision: Option<DecidedBy>,
    /// The place of the entry that it takes back. It has the opposite amount, and all else of that entry.
    pub reverses: Option<u64>,
    /// What the provider said beside the event, as received: not proved.
    pub extra: Vec<(String, String)>,
}

/// Whose decision an entry was made by, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecidedBy {
    /// The decision's number.
    pub id: u64,
    /// Who decided.
    pub operator: String,
    /// Why, in the operator's words.
    pub reason: String,
}

impl NewEntry {
    /// When statistics count it, seconds since the epoch: when it is entered, or at 11:00 UTC of its date, which is that day's in
    /// every time zone from UTC-11 to UTC+12.
    pub fn counted_at(&self) -> u64 {
        self.date.map_or(self.at, Day::counted_at)
    }
}

/// A line of the ledger. Nothing changes or removes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place in the ledger, from 1: later ones are higher, and none comes in between.
    pub seq: u64,
    /// What it is.
    pub entry: NewEntry,
    /// The id of the write-off that it was made by.
    pub writeoff: Option<String>,
}

/// What a provider proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The provider, by the name that the host gives it.
    pub provider: String,
    /// What happened.
    pub kind: EventKind,
    /// Whether the payment is one of a series.
    pub recurrence: Recurrence,
    /// The payment system's id.
    pub transaction: String,
    /// The order that the payment system names. No signature need cover it.
    pub order: Option<String>,
    /// The payment system's id of the payer.
    pub payer: Option<String>,
    /// How much, positive.
    pub amount: Money,
    /// When it happened by the payment system's clock, as the provider tells it: `2026-11-27T10:00:00+03:00`. What the provider
    /// cannot read stands as it was received.
    pub occurred_at: Option<String>,
    /// What stands in the statistics.
    pub comment: String,
    /// What the same fact has every time it is told.
    pub dedup_key: String,
    /// What else an operator may want to see, as received: not proved.
    pub extra: Vec<(String, String)>,
}

/// What a callback says of its event, as it is kept beside the callback: what a repetition is compared with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// What happened.
    pub kind: EventKind,
    /// Whether the payment is one of a series.
    pub recurrence: Recurrence,
    /// The payment system's id.
    pub transaction: String,
    /// The order that the payment system names.
    pub order: Option<String>,
    /// The payment system's id of the payer.
    pub payer: Option<String>,
    /// How much.
    pub amount: Money,
    /// When it happened by the payment system's clock.
    pub occurred_at: Option<String>,
}

impl Event {
    /// What it says.
    pub fn facts(&self) -> Facts {
        Facts {
            kind: self.kind,
            recurrence: self.recurrence,
            transaction: self.transaction.clone(),
            order: self.order.clone(),
            payer: self.payer.clone(),
            amount: self.amount,
            occurred_at: self.occurred_at.clone(),
        }
    }
}

/// What happened at the payment system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// Money came in.
    Payment,
    /// Money went back.
    Refund,
    /// The payer's bank took money back.
    Chargeback,
    /// Money is held, and not there yet.
    Hold,
    /// No money came.
    Declined,
}

/// Whether a payment is one of a series.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recurrence {
    /// By itself.
    Single,
    /// The first, which the subscriber made.
    First,
    /// A later one, which the payment system made.
    Repeat,
}

/// A callback as it came: all that a provider judged it by, so that it can be judged again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawCallback {
    /// The provider that it came for.
    pub provider: String,
    /// Seconds since the epoch.
    pub received_at: u64,
    /// `GET` or `POST`.
    pub method: String,
    /// The query, still encoded.
    pub query: String,
    /// Header names, in lower case, and values, in the order in which they came; the host leaves out what could be its own secrets.
    /// Empty where the ledger was made before it kept them.
    pub headers: Vec<(String, String)>,
    /// The body, as bytes.
    pub body: Vec<u8>,
    /// The peer's IP address; empty where it is not known, or the ledger was made before it kept it.
    pub remote_address: String,
    /// Whether card data in it was masked before it was kept: then it is not whole, and judging it again tells nothing.
    pub is_masked: bool,
}

/// What an event came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// An entry was made, or was made when the same event came before.
    Entered {
        /// Its place in the ledger.
        seq: u64,
        /// Whether the event came before.
        repeated: bool,
    },
    /// It waits for the operator, or did before.
    Unmatched {
        /// Its number among those that wait.
        id: u64,
        /// Whether the event came before.
        repeated: bool,
    },
    /// No money moved.
    NoMoney,
    /// It has the key of an event that came before and says something else. Nothing more is entered; an operator has to look.
    Contradiction {
        /// Its number among the contradictions; none where so many of one event are kept that it is not.
        id: Option<u64>,
    },
}

/// Which of the callbacks that an operator looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attention {
    /// Those that no operator has acknowledged, the oldest first, after one of them.
    WaitingAfter(u64),
    /// Those that one has, the last first, before one of them.
    AcknowledgedBefore(Option<u64>),
}

/// Who acknowledged a callback, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acknowledged {
    /// Who.
    pub operator: String,
    /// When, seconds since the epoch.
    pub at: u64,
}

/// A callback that repeats an event and says something else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contradiction {
    /// Its number, from 1.
    pub id: u64,
    /// What the event came to when it was told first.
    pub outcome: Outcome,
    /// The callback that told it first.
    pub first: (RawCallback, Facts),
    /// The callback that says something else.
    pub repeated: (RawCallback, Facts),
    /// Who acknowledged it, where somebody did.
    pub acknowledged: Option<Acknowledged>,
}

/// Why an event waits for the operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// It names no order that there is.
    UnknownOrder,
    /// Its order was made for another provider.
    OtherProvider,
    /// Its amount is not the order's.
    OtherAmount,
    /// Its currency is not the order's.
    OtherCurrency,
    /// Its order was paid by another transaction.
    AlreadyPaid,
    /// It repeats a payment that never came.
    NoFirstPayment,
    /// More would go back than came in.
    MoreThanPaid,
    /// It names an order alone, and that one is not paid.
    NotPaid,
    /// It names an order alone, and another payer than who paid that one.
    OtherPayer,
    /// It names an order alone, and a payment of that order was not entered by the rules: it may be that one which goes back.
    OtherPayment,
    /// It is about no money, or less.
    AmountNotPositive,
}

/// An event that waits for the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unmatched {
    /// Its number, from 1.
    pub id: u64,
    /// The event.
    pub event: Event,
    /// Why it waits.
    pub reason: Reason,
    /// When it came, seconds since the epoch.
    pub at: u64,
    /// What the operator did.
    pub resolution: Option<Resolution>,
}

/// What the ledger has of the money that an event is about.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Related {
    /// The account of the order that the event names, where there is such an order.
    pub order_account: Option<String>,
    /// The entries in force of its transaction.
    pub entries: Vec<Entry>,
}

/// What was told of an order's money.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OrderMoney {
    /// The entries in force, in order.
    pub entries: Vec<Entry>,
    /// The payments that were not entered by the rules, whatever became of them.
    pub unmatched: Vec<Unmatched>,
}

/// What an operator did with an event that waited.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolution {
    /// Who.
    pub operator: String,
    /// Why, in the operator's words.
    pub comment: String,
    /// Seconds since the epoch.
    pub at: u64,
    /// The entry that was made; none where it was dismissed.
    pub seq: Option<u64>,
}

/// What an operator decided about money.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecisionKind {
    /// An event that waited was entered to an account.
    Entry,
    /// An event that waited was dismissed.
    Dismissal,
    /// A balance was corrected.
    Correction,
    /// An earlier decision was undone.
    Undoing,
}

/// A decision to be kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewDecision {
    /// What was decided.
    pub kind: DecisionKind,
    /// The number of the event that it is about, among those that wait or waited.
    pub unmatched: Option<u64>,
    /// The decision that it undoes.
    pub undoes: Option<u64>,
    /// Who decided.
    pub operator: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// When, seconds since the epoch.
    pub at: u64,
}

/// What an operator decided about money. Nothing changes or removes it; a later one may undo it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// Its number, from 1.
    pub id: u64,
    /// What, who, when and why.
    pub decision: NewDecision,
    /// The decision that undid it.
    pub undone_by: Option<u64>,
}

/// A decision with what it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// The entry that it made; none where no money moved.
    pub entry: Option<Entry>,
    /// The event that it is about.
    pub event: Option<Event>,
}

/// Why a decision cannot be undone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UndoRefusal {
    /// There is no such decision.
    Unknown,
    /// It was undone before.
    AlreadyUndone,
    /// It undoes another one: decide again instead.
    IsUndoing,
    /// Money of the payment that it entered went back since then: the entry of that place. Correct by hand.
    MoneyWentBack {
        /// The place of the refund's or chargeback's entry.
        seq: u64,
    },
}

/// Why an operator cannot do it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResolveRefusal {
    /// There is no such event.
    Unknown,
    /// Somebody did it before.
    AlreadyResolved,
    /// There is no such account.
    UnknownAccount,
    /// It is about no money, or less: it can only be dismissed.
    AmountNotPositive,
    /// The same transaction was entered before: it can only be dismissed.
    AlreadyEntered,
}

/// What an operator enters by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Correction {
    /// Two corrections with one key are one.
    pub key: String,
    /// The account.
    pub account: String,
    /// What the balance changes by. Not zero.
    pub amount: Money,
    /// Who.
    pub operator: String,
    /// Why; it stands in the statistics.
    pub comment: String,
}

/// Why a correction is not entered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CorrectionRefusal {
    /// There is no such account.
    UnknownAccount,
    /// It changes nothing.
    AmountZero,
    /// The key was used for another correction.
    KeyReused,
}

/// What does not hold in a ledger, as a check found it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What kind of thing does not hold.
    pub code: FindingCode,
    /// What it is about: an account, an hour, an entry's place; empty where it is about the whole.
    pub about: String,
    /// What is wrong.
    pub detail: String,
}

/// What kind of thing does not hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FindingCode {
    /// The storage's own check finds damage.
    Damage,
    /// Commits that were answered are missing.
    LostCommits,
    /// An account's balance is not the sum of its entries.
    Balance,
    /// An hour's sums are not those of its entries.
    Hour,
    /// Entries are missing between others.
    MissingEntries,
    /// An entry is not what its order, event, write-off or correction says, or there is none.
    Entry,
    /// A record names another one that is not there.
    Reference,
    /// An event that waited is resolved in part, or otherwise than operators decided.
    Resolution,
    /// A write-off has a day that is none of the calendar.
    WriteOffDay,
    /// Two accounts have one tax number under two names or kinds.
    BuyerName,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { code, about, detail } = self;
        let space = if about.is_empty() { "" } else { " " };
        write!(f, "{}{space}{about}: {detail}", code.name())
    }
}

/// A day of the calendar, of the years 1 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day(Date);

impl Day {
    /// When in it statistics count it, in seconds since its beginning by UTC.
    const COUNTED_SECONDS: i64 = 11 * 3600;

    /// `None` where there is no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Day> {
        let month = Month::try_from(month).ok()?;
        if !(1..=9999).contains(&year) {
            return None;
        }
        Date::from_calendar_date(year.into(), month, day).ok().map(Day)
    }

    /// 1 to 9999.
    pub fn year(self) -> u16 {
        u16::try_from(self.0.year()).unwrap_or_default()
    }

    /// 1 to 12.
    pub fn month(self) -> u8 {
        self.0.month().into()
    }

    /// 1 to 31.
    pub fn day(self) -> u8 {
        self.0.day()
    }

    /// Whether it is its month's last.
    pub fn ends_month(self) -> bool {
        self.0.month().length(self.0.year()) == self.0.day()
    }

    fn counted_at(self) -> u64 {
        let begins = self.0.midnight().assume_utc().unix_timestamp();
        u64::try_from(begins + Day::COUNTED_SECONDS).unwrap_or_default()
    }
}

impl fmt::Display for Day {
    /// `2026-10-31`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year(), self.month(), self.day())
    }
}

/// A charge for a service, as the contract's exports need it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteOff {
    /// Billing's id, unique over all accounts.
    pub id: String,
    /// The account that it debits.
    pub account: String,
    /// Billing's code of the service; may be empty.
    pub service_code: String,
    /// The service's name.
    pub service: String,
    /// The unit's name; may be empty.
    pub unit: String,
    /// The first day of the period charged for.
    pub period: Day,
    /// The day of the charge.
    pub date: Day,
    /// Thousandths of the unit.
    pub quantity_thousandths: i64,
    /// What was charged, VAT included; negative for a correction.
    pub amount: Money,
    /// VAT in hundredths of a percent; none is «без НДС».
    pub vat_basis_points: Option<u16>,
    /// Free text; may be empty.
    pub note: String,
}

/// What a batch of write-offs came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WriteOffsAdded {
    /// How many were new.
    pub added: usize,
    /// How many were there before, the same.
    pub repeated: usize,
}

/// Why a batch of write-offs is refused, whole: what is wrong with each that is bad.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WriteOffRefusal {
    /// What is wrong, with the index, from 0, of the write-off that it is about; at most [`WriteOffRefusal::FAULTS_MAX`], in order.
    pub faults: Vec<(usize, Fault)>,
    /// How much more is wrong than is listed.
    pub more: usize,
}

impl WriteOffRefusal {
    /// How many faults are listed.
    pub const FAULTS_MAX: usize = 100;
}

/// A write-off as an export reads it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its account, as it is now.
    pub account: Account,
    /// The write-off, if its days are days.
    pub writeoff: Result<WriteOff, NoDay>,
    /// The decision to leave it out, where there is one.
    pub exclusion: Option<Exclusion>,
}

/// A write-off that an older program kept, of which a day is none of the calendar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoDay {
    /// Its id.
    pub id: String,
    /// The account that it debited.
    pub account: String,
    /// What stands for the first day of its period: `2026-02-31`.
    pub period: String,
    /// What stands for its day.
    pub date: String,
    /// What was charged.
    pub amount: Money,
}

/// A decision to leave a write-off out of exports.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exclusion {
    /// Its number, from 1.
    pub id: u64,
    /// The write-off.
    pub writeoff: String,
    /// Who decided.
    pub operator: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// When, seconds since the epoch.
    pub at: u64,
}

/// An exclusion with what it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExcludedWriteOff {
    /// The decision.
    pub exclusion: Exclusion,
    /// The account.
    pub account: String,
    /// The service's name.
    pub service: String,
    /// The write-off's day, as it stands, which may be none: `2026-02-28`.
    pub date: String,
    /// What was charged.
    pub amount: Money,
}

/// Why a write-off is not left out, or not taken in again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExclusionRefusal {
    /// There is no such write-off.
    Unknown,
    /// It is left out already.
    AlreadyExcluded,
    /// It is not left out.
    NotExcluded,
}

/// How often a provider's callbacks were refused for a reason, within an hour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusals {
    /// The provider.
    pub provider: String,
    /// The problem's code.
    pub code: String,
    /// The hour's first second, since the epoch.
    pub hour: u64,
    /// How many.
    pub count: u64,
}

/// How many callbacks of a provider were accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CallbackCounts {
    /// The provider proved them, and the ledger has them; each repetition counts.
    pub accepted: u64,
    /// Of the events in them, so many had to wait for the operator.
    pub unmatched: u64,
    /// So many others nobody could judge.
    pub unrecognized: u64,
}

/// A callback that is proved and not understood, or that nobody could judge: the operator must see it. The same bytes again are
/// counted, and not kept again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unrecognized {
    /// Its number, from 1.
    pub id: u64,
    /// The callback, raw.
    pub callback: RawCallback,
    /// For a program: the provider's code, or the host's. Empty where the ledger was made before it kept it.
    pub code: String,
    /// What the provider says of it.
    pub message: String,
    /// How often it came.
    pub times: u64,
    /// When it came last, seconds since the epoch.
    pub last_at: u64,
    /// Who acknowledged it, where somebody did.
    pub acknowledged: Option<Acknowledged>,
}

/// What became of a callback that nobody could judge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeping {
    /// It is kept.
    Kept,
    /// The same was kept before, and is counted.
    Counted,
    /// So many of its provider wait for the operator that it is not kept.
    TooMany,
}

/// Gives an enumeration its names, as they are kept and told.
macro_rules! names {
    ($type:ident { $($case:ident $name:literal,)* }) => {
        impl $type {
            /// Its name in kebab-case.
            pub fn name(self) -> &'static str {
                match self { $($type::$case => $name,)* }
            }

            /// The one of a name.
            pub fn of_name(name: &str) -> Option<$type> {
                match name { $($name => Some($type::$case),)* _ => None }
            }
        }
    };
}

names!(PartyKind { Individual "individual", SoleProprietor "sole-proprietor", Company "company", });
names!(FindingCode {
    Damage "damage", LostCommits "lost-commits", Balance "balance", Hour "hour", MissingEntries "missing-entries", Entry "entry",
    Reference "reference", Resolution "resolution", WriteOffDay "write-off-day",
    BuyerName "buyer-name",
});
names!(DecisionKind { Entry "entry", Dismissal "dismissal", Correction "correction", Undoing "undoing", });
names!(EntryKind {
    Payment "payment", Refund "refund", Chargeback "chargeback", WriteOff "write-off", Correction "correction",
});
names!(EventKind { Payment "payment", Refund "refund", Chargeback "chargeback", Hold "hold", Declined "declined", });
names!(Recurrence { Single "single", First "first", Repeat "repeat", });
names!(Reason {
    UnknownOrder "unknown-order", OtherProvider "other-provider", OtherAmount "other-amount", OtherCurrency "other-currency",
    AlreadyPaid "already-paid", NoFirstPayment "no-first-payment", MoreThanPaid "more-than-paid",
    NotPaid "not-paid", OtherPayer "other-payer", OtherPayment "other-payment", AmountNotPositive "amount-not-positive",
});
