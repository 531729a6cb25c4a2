//! Time zones by the names that calendars have for them.

use chrono_tz::Tz;
use stratus_event::{Fault, Whose};

/// The zone of that name: IANA's own, with something before it (`/mozilla.org/…/Europe/Berlin`),
/// or Microsoft's.
pub(super) fn named(name: &str) -> Result<Tz, Fault> {
    let name = name.trim_matches('/');
    let ends = name.match_indices('/').map(|(slash, _)| &name[slash + 1..]);
    let zone = std::iter::once(name)
        .chain(ends)
        .find_map(|end| end.parse().ok());
    zone.or_else(|| microsoft(name)).ok_or_else(|| {
        let message = format!("{name:?} is no time zone that is known here");
        Fault::new(Whose::Caller, "calendar-timezone-unknown", message)
            .hint("use a name such as Europe/Berlin")
    })
}

fn microsoft(name: &str) -> Option<Tz> {
    let zone = MICROSOFT.iter().find(|(theirs, _)| *theirs == name);
    zone.and_then(|(_, iana)| iana.parse().ok())
}

/// The names that Outlook and Exchange write, and the zone of each one's main territory (Unicode
/// CLDR, windowsZones).
const MICROSOFT: [(&str, &str); 52] = [
    ("AUS Central Standard Time", "Australia/Darwin"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Argentina Standard Time", "America/Buenos_Aires"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("China Standard Time", "Asia/Shanghai"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Eastern Standard Time", "America/New_York"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("GMT Standard Time", "Europe/London"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("India Standard Time", "Asia/Calcutta"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Morocco Standard Time", "Africa/Casablanca"),
    ("Mountain Standard Time", "America/Denver"),
    ("Mountain Standard Time (Mexico)", "America/Mazatlan"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("SA Eastern Standard Time", "America/Cayenne"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("US Eastern Standard Time", "America/Indianapolis"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("UTC", "UTC"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("West Asia Standard Time", "Asia/Tashkent"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: &str) {
        let found = named(name).map_or_else(|fault| fault.code, |zone| zone.name().into());
        assert_eq!(found, expected, "{name}");
    }

    #[test]
    fn finds_zones_by_their_names() {
        check("Europe/Berlin", "Europe/Berlin");
        check(
            "America/Argentina/Buenos_Aires",
            "America/Argentina/Buenos_Aires",
        );
        check("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin");
        check(
            "/freeassociation.sourceforge.net/America/Denver",
            "America/Denver",
        );
        check("W. Europe Standard Time", "Europe/Berlin");
        check("UTC", "UTC");
        check("Customized Time Zone", "calendar-timezone-unknown");
        check("", "calendar-timezone-unknown");
    }

    #[test]
    fn every_name_of_microsoft_s_leads_to_a_zone() {
        for (name, iana) in MICROSOFT {
            assert!(named(name).is_ok_and(|zone| zone.name() == iana), "{name}");
        }
    }
}
