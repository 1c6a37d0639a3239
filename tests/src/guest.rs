//! Made-to-measure providers, good or hostile: components built from a template of core WebAssembly and the contract's text.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const TEMPLATE: &str = include_str!("../data/hostile/provider.wat");
/// The base interface, in a world of its own.
const WIT: &str =
    concat!(include_str!("../../wit/payment-provider.wit"), "\nworld provider {\n    export payment-provider;\n}\n");
/// The address of the answers in the guest's memory.
pub const DATA: u32 = 1024;

/// The cases of the answers, by the contract's order.
const LINK_DONE: u32 = 0;
const HAPPENED: u32 = 0;
const IGNORED: u32 = 2;

/// The positions of values in the answers, in words, by the layout of the component model's canonical ABI.
pub const LINK_URL: usize = 3;
/// Of a form in a link: whether there is one.
pub const LINK_FORM: usize = 5;
/// Of an answer with a problem: whether the problem has a field.
pub const NOTED_FIELD: usize = 4;
/// Of an answer with a problem: the problem's messages.
pub const NOTED_MESSAGES: usize = 12;
/// Of an answer: the reply's status, headers and body.
pub const REPLY_STATUS: usize = 14;
/// See [`REPLY_STATUS`].
pub const REPLY_HEADERS: usize = 15;
/// See [`REPLY_STATUS`].
pub const REPLY_BODY: usize = 17;
/// Of an event: its time, which is optional, its comment and its key.
pub const EVENT_TIME: usize = 34;
/// See [`EVENT_TIME`].
pub const EVENT_COMMENT: usize = 37;
/// See [`EVENT_TIME`].
pub const EVENT_KEY: usize = 39;

/// A guest to build: contents for the template's holes, and other changes.
#[derive(Clone)]
pub struct Guest {
    /// The initial contents of its memory, from [`DATA`] on.
    pub data: Vec<u8>,
    /// Code for the holes of the template, by name.
    pub holes: Vec<(&'static str, String)>,
    /// Replacements in the contract's text.
    pub changes: Vec<(String, String)>,
    /// How many instances of an empty module it has besides its own.
    pub instances: usize,
    /// The description, word by word. The holes refer to the answers when the guest is built.
    pub description: Vec<u32>,
    /// The answer of `create-link`.
    pub link: Vec<u32>,
    /// The answer of `handle-callback`. Where it refers to the event or the message, that is set when the guest is built.
    pub answer: Vec<u32>,
    /// The event of an answer that it happened.
    pub event: Vec<u32>,
    /// The language and the text of an answer's problem: the address and the length of each.
    pub message: [u32; 4],
    /// The answer of `append`.
    pub appended: Vec<u32>,
    /// The answer of `finish`.
    pub totals: Vec<u32>,
    /// The answer of `read`.
    pub part: Vec<u32>,
}

impl Guest {
    /// Returns a guest that obeys the contract: it ignores every callback and exports nothing.
    pub fn good() -> Guest {
        let mut guest = Guest {
            data: Vec::new(),
            holes: Vec::new(),
            changes: Vec::new(),
            instances: 0,
            description: Vec::new(),
            link: Vec::new(),
            answer: Vec::new(),
            event: vec![0; 44],
            message: [0; 4],
            appended: vec![0; 14],
            totals: vec![0; 14],
            part: vec![0; 16],
        };
        let [id, name, version, rub, url, en] =
            ["hostile", "Hostile", "1.0.0", "RUB", "https://x.ru/", "en"].map(|text| guest.text(text));
        let currencies = [guest.put_words(&rub), 1];
        let links_and_ids_of_64_chars = 1 | 64 << 8;
        guest.description =
            [&[id, name, version, [0, 0], currencies, [0, 0]].concat()[..], &[links_and_ids_of_64_chars], &[0; 6]].concat();
        guest.link = vec![0; 22];
        guest.link[0] = LINK_DONE;
        guest.link[2] = 1;
        guest.link[LINK_URL..LINK_URL + 2].copy_from_slice(&url);
        guest.message = [en[0], en[1], 0, 0];
        guest.answer = guest.ignored("no-money-moved");
        guest.totals[8..10].copy_from_slice(&rub);
        guest
    }

    /// Returns a guest that accepts every callback as a payment.
    pub fn accepting_everything() -> Guest {
        Guest::good().with(|guest| guest.accept(100, "1", "RUB", "k"))
    }

    /// Returns a guest that has this name.
    pub fn named(name: &str) -> Guest {
        Guest::good().with(|guest| {
            let name = guest.text(name);
            guest.description[2..4].copy_from_slice(&name);
        })
    }

    /// Returns a guest that ignores every callback with this message.
    pub fn saying(message: &str) -> Guest {
        Guest::good().with(|guest| {
            let message = guest.text(message);
            guest.message[2..].copy_from_slice(&message);
        })
    }

    /// Appends bytes to its memory and returns their address.
    pub fn put(&mut self, bytes: &[u8]) -> u32 {
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        let at = DATA + u32::try_from(self.data.len()).unwrap();
        self.data.extend_from_slice(bytes);
        at
    }

    /// Appends words to its memory and returns their address.
    pub fn put_words(&mut self, words: &[u32]) -> u32 {
        self.put(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>())
    }

    /// Appends a text to its memory and returns its address and length.
    pub fn text(&mut self, text: &str) -> [u32; 2] {
        [self.put(text.as_bytes()), u32::try_from(text.len()).unwrap()]
    }

    /// Returns the answer that ignores a callback.
    pub fn ignored(&mut self, code: &str) -> Vec<u32> {
        let mut answer = vec![0; 20];
        answer[0] = IGNORED;
        answer[2..4].copy_from_slice(&self.text(code));
        answer[REPLY_STATUS] = 200;
        answer
    }

    /// Makes it answer that a payment of `minor_units` kopecks happened.
    pub fn accept(&mut self, minor_units: i64, transaction: &str, currency: &str, dedup_key: &str) {
        let [transaction, currency, dedup_key] = [transaction, currency, dedup_key].map(|text| self.text(text));
        self.event[1..3].copy_from_slice(&transaction);
        let [low, high] = [minor_units as u32, (minor_units >> 32) as u32];
        self.event[24..28].copy_from_slice(&[low, high, currency[0], currency[1]]);
        self.event[EVENT_KEY..EVENT_KEY + 2].copy_from_slice(&dedup_key);
        self.answer = vec![0; 20];
        self.answer[0] = HAPPENED;
        // One event, and a reply.
        self.answer[3] = 1;
        self.answer[REPLY_STATUS] = 200;
    }

    /// Applies a change.
    pub fn with(mut self, change: impl FnOnce(&mut Guest)) -> Guest {
        change(&mut self);
        self
    }

    /// Fills a hole of the template with code.
    pub fn code(self, hole: &'static str, code: impl Into<String>) -> Guest {
        self.with(|guest| guest.holes.push((hole, code.into())))
    }

    /// Adds code before the good answer to a callback.
    pub fn first(self, code: &str) -> Guest {
        self.code("before-callback", code)
    }

    /// Changes the text of the contract for which the guest is built.
    pub fn change(self, from: &str, to: &str) -> Guest {
        assert!(WIT.contains(from), "{from}");
        self.with(|guest| guest.changes.push((from.to_owned(), to.to_owned())))
    }

    /// Builds the component.
    pub fn build(mut self) -> Vec<u8> {
        match self.answer[0] {
            HAPPENED => self.answer[2] = self.put_words(&self.event.clone()),
            // Unresolved, ignored or refused.
            1..=3 => {
                let messages = [self.put_words(&self.message.clone()), 1];
                self.answer[NOTED_MESSAGES..NOTED_MESSAGES + 2].copy_from_slice(&messages);
            }
            _ => {}
        }
        let words = [&self.description, &self.link, &self.answer, &self.appended, &self.totals, &self.part].map(Clone::clone);
        let [description, link, answer, appended, totals, part] = words.map(|words| self.put_words(&words));
        let handle = self.put_words(&[0; 3]);
        let own = |resource: &str| {
            format!("(i32.store (i32.const {}) (call ${resource} (i32.const 1))) (i32.const {handle})", handle + 4)
        };
        let at = |answer: u32| format!("(i32.const {answer})");
        let data: String = self.data.iter().map(|byte| format!("\\{byte:02x}")).collect();
        let free = (DATA + u32::try_from(self.data.len()).unwrap()).next_multiple_of(8);
        let before = self.holes.iter().find(|(hole, _)| *hole == "before-callback").map_or("", |(_, code)| code);
        let wit = self.changes.iter().fold(WIT.to_owned(), |wit, (from, to)| wit.replace(from, to));
        let mut resolve = Resolve::default();
        let package = resolve.push_str("provider.wit", &wit).unwrap_or_else(|error| panic!("{error}"));
        let world = resolve.select_world(&[package], Some("provider")).unwrap();
        let exported = resolve.worlds[world].exports.keys().next().unwrap();
        let defaults = [
            ("imports", String::new()),
            ("memory", "8".to_owned()),
            ("free", free.to_string()),
            ("data", data),
            ("realloc", String::new()),
            ("more", String::new()),
            ("describe", at(description)),
            ("configure", own("merchant")),
            ("create-link", at(link)),
            ("callback-proof", at(0)),
            ("handle-callback", format!("{before} {}", at(answer))),
            ("export-writeoffs", own("writeoff-export")),
            ("append", at(appended)),
            ("finish", at(totals)),
            ("read", at(part)),
            ("contract", resolve.name_world_key(exported)),
        ];
        let mut text = TEMPLATE.to_owned();
        for (hole, default) in &defaults {
            let code = self.holes.iter().find(|(other, _)| other == hole).map_or(default, |(_, code)| code);
            text = text.replace(&format!("{{{hole}}}"), code);
        }
        let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"));
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        let mut encoder = ComponentEncoder::default().validate(false).module(&module).unwrap();
        let component = encoder.encode().unwrap_or_else(|error| panic!("{error:?}"));
        if self.instances == 0 {
            return component;
        }
        let text = wasmprinter::print_bytes(&component).unwrap();
        let instances = "(core instance (instantiate $empty)) ".repeat(self.instances);
        let more = format!("(core module $empty) {instances})");
        wat::parse_str(text.trim_end().strip_suffix(')').unwrap().to_owned() + &more).unwrap()
    }
}
