//! Forms and queries: `application/x-www-form-urlencoded`.

/// A form's fields, in its order.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form; what is not UTF-8 becomes `U+FFFD`, which no signature holds over.
    ///
    /// # Errors
    /// The name of a field that is given twice with two values.
    pub fn parse(bytes: &[u8]) -> Result<Form, String> {
        let mut form = Form::default();
        for (name, value) in form_urlencoded::parse(bytes) {
            match form.0.iter().find(|(other, _)| *other == name) {
                Some((_, earlier)) if *earlier != value => return Err(name.into_owned()),
                Some(_) => {}
                None => form.0.push((name.into_owned(), value.into_owned())),
            }
        }
        Ok(form)
    }

    /// A field's value; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// Sets a field in its place, or adds it.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Takes a field out and gives its value; empty where there was none.
    pub fn take(&mut self, name: &str) -> String {
        let at = self.0.iter().position(|(other, _)| other == name);
        at.map(|at| self.0.remove(at).1).unwrap_or_default()
    }

    /// The fields.
    pub fn fields(&self) -> &[(String, String)] {
        &self.0
    }

    /// As it travels.
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}
