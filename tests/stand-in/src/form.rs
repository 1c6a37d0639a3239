//! Forms and queries: `application/x-www-form-urlencoded`.

/// The fields of a form, in order.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Parses a form. Bytes that are not UTF-8 become `U+FFFD`, so that no signature over them is valid.
    ///
    /// # Errors
    /// The name of a field that occurs with two different values.
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

    /// Returns a field's value, or an empty text if it is absent.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// Sets a field in place, or appends it.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Removes a field and returns its value, or an empty text if it was absent.
    pub fn take(&mut self, name: &str) -> String {
        let at = self.0.iter().position(|(other, _)| other == name);
        at.map(|at| self.0.remove(at).1).unwrap_or_default()
    }

    /// Returns the fields.
    pub fn fields(&self) -> &[(String, String)] {
        &self.0
    }

    /// Encodes the form.
    pub fn encode(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}
