//! The settings of a merchant, and the form that a host shows for them.

use crate::binding::contract::{Fields, Problem, Setting, SettingKind};
use crate::sign::SecretKey;
use crate::text::{is_control, problem};

/// Example Pay's only currency.
pub const CURRENCY: &str = "RUB";

const SECRET_CHARS_MIN: usize = 16;
const TEXT_CHARS_MAX: usize = 255;
const COMMENT_DEFAULT: &str = "Example Pay";

/// A merchant's settings. A value of this type is always valid.
pub struct Settings {
    pub merchant_id: String,
    pub secret_key: SecretKey,
    pub comment: String,
}

/// Returns the settings that the operator enters.
pub fn form() -> Vec<Setting> {
    vec![
        setting(
            "merchant-id",
            SettingKind::Text,
            None,
            [("ru", "Номер магазина"), ("en", "Merchant ID")],
            [("ru", "Выдаёт Example Pay: от 1 до 10 цифр."), ("en", "Example Pay issues it: 1 to 10 digits.")],
        ),
        setting(
            "secret-key",
            SettingKind::Secret,
            None,
            [("ru", "Секретный ключ"), ("en", "Secret key")],
            [("ru", "Выдаёт Example Pay: не короче 16 знаков."), ("en", "Example Pay issues it: at least 16 characters.")],
        ),
        setting(
            "comment",
            SettingKind::Text,
            Some(COMMENT_DEFAULT),
            [("ru", "Комментарий"), ("en", "Comment")],
            [
                ("ru", "Так платёж назван в выписке абонента."),
                ("en", "What a payment is called in the subscriber's statement."),
            ],
        ),
    ]
}

/// Makes a setting. A setting without a default is required.
fn setting(
    name: &str,
    kind: SettingKind,
    default_value: Option<&str>,
    title: [(&str, &str); 2],
    help: [(&str, &str); 2],
) -> Setting {
    let fields = |texts: [(&str, &str); 2]| texts.map(|(language, text)| (language.to_owned(), text.to_owned())).to_vec();
    Setting {
        name: name.to_owned(),
        title: fields(title),
        help: fields(help),
        kind,
        required: default_value.is_none(),
        default_value: default_value.map(str::to_owned),
        choices: Vec::new(),
        extra: Fields::new(),
    }
}

impl Settings {
    /// Checks what was entered, and returns all problems at once. No message contains a value.
    pub fn read(fields: &Fields) -> Result<Settings, Vec<Problem>> {
        let declared = form();
        let mut problems = Vec::new();
        for (name, _) in fields {
            if !declared.iter().any(|setting| setting.name == *name) {
                problems.push(problem(
                    "setting-unknown",
                    name.as_str(),
                    "Такой настройки нет; есть merchant-id, secret-key, comment.",
                    "There is no such setting; there are merchant-id, secret-key, comment.",
                ));
            }
        }
        let mut value = |setting: &Setting| value_of(setting, fields).map_err(|problem| problems.push(problem)).ok();
        let values: Vec<_> = declared.iter().map(&mut value).collect();
        match (<[Option<String>; 3]>::try_from(values), problems.is_empty()) {
            (Ok([Some(merchant_id), Some(secret_key), Some(comment)]), true) => match SecretKey::new(&secret_key) {
                Some(secret_key) => Ok(Settings { merchant_id, secret_key, comment }),
                None => Err(vec![problem("setting-invalid", "secret-key", "Это не может быть ключом.", "It cannot be a key.")]),
            },
            _ => Err(problems),
        }
    }
}

fn value_of(setting: &Setting, fields: &Fields) -> Result<String, Problem> {
    let name = setting.name.as_str();
    let mut values = fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let value = values.next().unwrap_or_default();
    if values.next().is_some() {
        return Err(problem(
            "setting-repeated",
            name,
            "Введено дважды; введите один раз.",
            "It is entered twice; enter it once.",
        ));
    }
    if value.is_empty() {
        let (ru, en) = ("Нужно ввести; выдаёт Example Pay.", "It must be entered; Example Pay issues it.");
        let missing = || problem("setting-missing", name, ru, en);
        return setting.default_value.clone().ok_or_else(missing);
    }
    match wrong_with(name, value) {
        Some((ru, en)) => Err(problem("setting-invalid", name, ru, en)),
        None => Ok(value.to_owned()),
    }
}

/// Returns what is wrong with a value, in Russian and in English.
fn wrong_with(name: &str, value: &str) -> Option<(String, String)> {
    let chars = value.chars().count();
    let (ru, en) = if chars > TEXT_CHARS_MAX {
        (
            format!("Длиннее {TEXT_CHARS_MAX} знаков; сократите."),
            format!("It has more than {TEXT_CHARS_MAX} characters; shorten it."),
        )
    } else if value.trim() != value || value.chars().any(is_control) {
        (
            "В начале или в конце пробел, или есть управляющий знак; скопируйте без них.".to_owned(),
            "It begins or ends with a space or holds a control character; copy it without them.".to_owned(),
        )
    } else if name == "merchant-id" && (chars > 10 || !value.bytes().all(|byte| byte.is_ascii_digit())) {
        ("Это от 1 до 10 цифр.".to_owned(), "It is 1 to 10 digits.".to_owned())
    } else if name == "secret-key" && chars < SECRET_CHARS_MIN {
        (
            format!("Короче {SECRET_CHARS_MIN} знаков; такой ключ ничего не защищает."),
            format!("It has fewer than {SECRET_CHARS_MIN} characters; so short a key protects nothing."),
        )
    } else {
        return None;
    };
    Some((ru, en))
}
