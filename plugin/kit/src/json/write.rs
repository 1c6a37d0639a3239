//! Writes JSON.

use crate::json::Value;

/// Writes an object: `object(|o| o.text("Currency", "RUB"))` is `{"Currency":"RUB"}`. There is no white space, and the order is
/// that of the calls. Names are a provider's own constants; the writer does not look whether one is written twice.
pub fn object(write: impl FnOnce(&mut ObjectWriter<'_>)) -> String {
    let mut out = String::new();
    write_object(&mut out, write);
    out
}

/// Writes an array: `array(|a| a.integer(1))` is `[1]`.
pub fn array(write: impl FnOnce(&mut ArrayWriter<'_>)) -> String {
    let mut out = String::new();
    write_array(&mut out, write);
    out
}

/// Writes the names and values of an object.
pub struct ObjectWriter<'o> {
    out: &'o mut String,
    is_empty: bool,
}

/// Writes the values of an array.
pub struct ArrayWriter<'o> {
    out: &'o mut String,
    is_empty: bool,
}

impl ObjectWriter<'_> {
    /// Writes a text, escaped.
    pub fn text(&mut self, name: &str, text: &str) {
        write_text(self.name(name), text);
    }

    /// Writes an integer, such as kopecks: `"Amount":10000`.
    pub fn integer(&mut self, name: &str, integer: i64) {
        self.name(name).push_str(&integer.to_string());
    }

    /// Writes minor units as a number with two decimals: 1050 is `10.50`. For a text of an amount, as YooKassa's `"100.00"`, use
    /// [`ObjectWriter::text`] with [`money::format_amount`].
    pub fn amount(&mut self, name: &str, minor_units: i64) {
        self.name(name).push_str(&money::format_amount(minor_units));
    }

    /// Writes thousandths, not negative, as a number with three decimals: 1500 is `1.500`. For quantities of a receipt.
    pub fn thousandths(&mut self, name: &str, thousandths: u64) {
        self.name(name).push_str(&format!("{}.{:03}", thousandths / 1000, thousandths % 1000));
    }

    /// Writes `true` or `false`.
    pub fn flag(&mut self, name: &str, flag: bool) {
        self.name(name).push_str(if flag { "true" } else { "false" });
    }

    /// Writes `null`.
    pub fn null(&mut self, name: &str) {
        self.name(name).push_str("null");
    }

    /// Repeats a value as the payment system wrote it, such as the `id` of a JSON-RPC request.
    pub fn copy(&mut self, name: &str, value: &Value<'_>) {
        self.name(name).push_str(value.raw());
    }

    /// Writes an object.
    pub fn object(&mut self, name: &str, write: impl FnOnce(&mut ObjectWriter<'_>)) {
        write_object(self.name(name), write);
    }

    /// Writes an array.
    pub fn array(&mut self, name: &str, write: impl FnOnce(&mut ArrayWriter<'_>)) {
        write_array(self.name(name), write);
    }

    fn name(&mut self, name: &str) -> &mut String {
        separate(self.out, &mut self.is_empty);
        write_text(self.out, name);
        self.out.push(':');
        self.out
    }
}

impl ArrayWriter<'_> {
    /// Writes a text, escaped.
    pub fn text(&mut self, text: &str) {
        write_text(self.next(), text);
    }

    /// Writes an integer.
    pub fn integer(&mut self, integer: i64) {
        self.next().push_str(&integer.to_string());
    }

    /// Writes an object.
    pub fn object(&mut self, write: impl FnOnce(&mut ObjectWriter<'_>)) {
        write_object(self.next(), write);
    }

    fn next(&mut self) -> &mut String {
        separate(self.out, &mut self.is_empty);
        self.out
    }
}

fn write_object(out: &mut String, write: impl FnOnce(&mut ObjectWriter<'_>)) {
    out.push('{');
    write(&mut ObjectWriter { out, is_empty: true });
    out.push('}');
}

fn write_array(out: &mut String, write: impl FnOnce(&mut ArrayWriter<'_>)) {
    out.push('[');
    write(&mut ArrayWriter { out, is_empty: true });
    out.push(']');
}

fn separate(out: &mut String, is_empty: &mut bool) {
    if !std::mem::take(is_empty) {
        out.push(',');
    }
}

/// Writes a text in quotes. Only quotes, backslashes and control characters are escaped; the rest stays UTF-8.
fn write_text(out: &mut String, text: &str) {
    // Text always serializes.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}
