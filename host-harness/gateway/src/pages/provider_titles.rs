//! The titles of payment systems, as people tell them apart.

use std::collections::BTreeMap;

use domain::ProviderName;

use crate::shared::Shared;

/// Returns the titles of the payment systems by their names, also of those that are not loaded: that of the component, with the
/// name beside it where several have the same title.
pub fn all(app: &Shared) -> BTreeMap<ProviderName, String> {
    let loaded = app.host.providers().into_iter().map(|one| (one.name, one.component.description().name.clone()));
    let not_loaded = app.host.not_loaded_providers().into_iter().map(|one| (one.name, one.title));
    told_apart(loaded.chain(not_loaded).collect())
}

/// Returns the title of a payment system; its name, if it is none of those.
pub fn of(app: &Shared, name: &ProviderName) -> String {
    all(app).remove(name).unwrap_or_else(|| name.to_string())
}

fn told_apart(titles: BTreeMap<ProviderName, String>) -> BTreeMap<ProviderName, String> {
    let is_shared = |title: &str| titles.values().filter(|other| *other == title).count() > 1;
    let shown = titles.iter().map(|(name, title)| match title.as_str() {
        "" => (name.clone(), name.to_string()),
        title if is_shared(title) => (name.clone(), format!("{title} ({name})")),
        title => (name.clone(), title.to_owned()),
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_titles_have_their_names_beside_them() {
        let titles = [("a", "ChronoPay"), ("b", "Robokassa"), ("c", "ChronoPay"), ("d", ""), ("e", "")];
        let titles = titles.map(|(name, title)| (ProviderName::stored(name), title.to_owned()));
        let shown: Vec<String> = told_apart(titles.into()).into_values().collect();
        assert_eq!(shown, ["ChronoPay (a)", "Robokassa", "ChronoPay (c)", "d", "e"]);
    }
}
