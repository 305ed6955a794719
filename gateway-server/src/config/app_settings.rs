//! What apps are configured with: `--set KEY=VALUE` for each of them,
//! `--set PLACE:KEY=VALUE` for the one at a place.

use super::mounts::{Content, Mount};
use super::repeated;
use crate::service::Place;

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub struct AppSettings(Vec<AppSetting>);

#[derive(Clone, Debug)]
struct AppSetting {
    /// For the app there only.
    place: Option<Place>,
    key: String,
    value: String,
}

impl AppSettings {
    /// Sorts out for whom each is; all that may be mounted is known.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) fn check(pairs: Vec<(String, String)>, mounts: &[Mount]) -> Result<Self, String> {
        if let Some(key) = repeated(pairs.iter().map(|(key, _)| key)) {
            return Err(format!("--set {key} is given twice"));
        }
        let setting = |(key, value): (String, String)| match placed(&key) {
            Some((place, bare)) => {
                let place: Place = place.parse().map_err(|why| format!("--set {key}: {why}"))?;
                let is_known = mounts.iter().any(|mount| match mount.content {
                    Content::Module(_) => mount.place == place,
                    Content::Folder(_) => mount.place.is_parent_of(&place),
                    // It has settings of its own kind.
                    Content::Files(_) => false,
                });
                match is_known {
                    true => Ok(AppSetting { place: Some(place), key: bare.to_owned(), value }),
                    false => Err(format!("--set {key}: nothing is mounted at {place}")),
                }
            }
            None => Ok(AppSetting { place: None, key, value }),
        };
        pairs.into_iter().map(setting).collect::<Result<_, String>>().map(Self)
    }

    /// Those of the app at a place: its own win.
    #[must_use]
    pub fn of(&self, at: &Place) -> Vec<(String, String)> {
        let for_all = self.0.iter().filter(|setting| setting.place.is_none());
        let own = self.0.iter().filter(|setting| setting.place.as_ref() == Some(at));
        for_all.chain(own).map(|setting| (setting.key.clone(), setting.value.clone())).collect()
    }
}

/// `/api:key` is of a place, as whatever has a slash before its last colon.
fn placed(key: &str) -> Option<(&str, &str)> {
    key.rsplit_once(':').filter(|(place, bare)| place.contains('/') && !bare.is_empty())
}
