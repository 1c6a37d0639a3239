//! The titles of payment systems, as people choose among them.

use std::collections::BTreeMap;

use domain::ProviderName;

use crate::shared::Shared;

/// Returns the titles of the payment systems by their names: that of the component, with the name beside it where several have the
/// same title.
pub fn all(app: &Shared) -> BTreeMap<ProviderName, String> {
    let titles: Vec<(ProviderName, String)> =
        app.host.providers().into_iter().map(|one| (one.name, one.component.description().name.clone())).collect();
    let is_shared = |title: &str| titles.iter().filter(|(_, other)| other == title).count() > 1;
    let shown = titles.iter().map(|(name, title)| {
        let shown = if is_shared(title) { format!("{title} ({name})") } else { title.clone() };
        (name.clone(), shown)
    });
    shown.collect()
}
