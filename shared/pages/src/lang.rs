//! The languages of the pages, and texts that stand in all of them side by side.

use serde::{Deserialize, Serialize};

/// A language that every page speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English, which is shown unless the browser prefers Chinese.
    #[default]
    En,
    /// Simplified Chinese, as used in mainland China.
    Zh,
}

impl Lang {
    /// All of them.
    pub const ALL: [Lang; 2] = [Lang::En, Lang::Zh];

    /// The language with this short name, as it stands in addresses.
    #[must_use]
    pub fn named(name: &str) -> Option<Lang> {
        Lang::ALL.into_iter().find(|lang| lang.name() == name)
    }

    /// The language of a tag such as `zh-CN` (BCP 47), by its first part.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Lang> {
        Lang::named(&tag.trim().split('-').next()?.to_ascii_lowercase())
    }

    /// The short name: `en` or `zh`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Zh => "zh",
        }
    }

    /// The tag for HTML (BCP 47).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Zh => "zh-Hans",
        }
    }

    /// What the language calls itself.
    #[must_use]
    pub const fn own_name(self) -> &'static str {
        match self {
            Lang::En => "English",
            Lang::Zh => "中文",
        }
    }

    /// The other language.
    #[must_use]
    pub const fn other(self) -> Lang {
        match self {
            Lang::En => Lang::Zh,
            Lang::Zh => Lang::En,
        }
    }

    /// The language that a browser prefers, by its `Accept-Language` (RFC 9110, 12.5.4); English if
    /// it accepts none of ours.
    #[must_use]
    pub fn accepted(header: &str) -> Lang {
        let wanted = header.split(',').filter_map(|range| {
            let (tag, quality) = match range.split_once(';') {
                Some((tag, parameter)) => (tag, thousandths(parameter.trim())?),
                None => (range, 1000),
            };
            Some((Lang::of_tag(tag)?, quality))
        });
        // The first of equals: `max_by_key` would take the last.
        let best = wanted
            .filter(|(_, quality)| *quality > 0)
            .reduce(|best, other| if other.1 > best.1 { other } else { best });
        best.map_or(Lang::En, |(lang, _)| lang)
    }
}

/// The quality of a language range, such as `q=0.8`, in thousandths.
fn thousandths(parameter: &str) -> Option<u16> {
    let value = parameter.strip_prefix("q=")?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = format!("{fraction:0<3}");
    let whole: u16 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    Some((whole * 1000).saturating_add(digits.get(..3)?.parse().ok()?).min(1000))
}

/// Declares the texts of a page: a type that holds the language, with a method for each text.
///
/// Each text stands in every language, with the arguments of the method in braces, so a text that
/// is missing in one language does not compile. Arguments are [`Show`](crate::show::Show)n in the
/// language, and escaped; the text itself is HTML. English has a text of its own for the singular,
/// if the text gives one: `one(calls): "{calls} call"` where `calls` is shown as 1.
macro_rules! texts {
    (
        $(#[$meta:meta])* $vis:vis struct $texts:ident;
        $( $name:ident($($arg:ident: $kind:ty),* $(,)?) {
            en: $en:literal, $(one($number:ident): $one:literal,)? zh: $zh:literal $(,)?
        } )*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        $vis struct $texts($vis $crate::lang::Lang);

        impl $texts {
            $(
                $vis fn $name(self, $($arg: $kind),*) -> $crate::show::Html {
                    $( let $arg = $crate::show::Shown(&$arg, self.0); )*
                    $crate::show::Html(match self.0 {
                        $( $crate::lang::Lang::En if $number.is_one() => format!($one), )?
                        $crate::lang::Lang::En => format!($en),
                        $crate::lang::Lang::Zh => format!($zh),
                    })
                }
            )*
        }
    };
}

pub(crate) use texts;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::Html;

    mod counts {
        use crate::show::Html;

        texts! {
            pub(super) struct Texts;

            calls(calls: Html) { en: "{calls} calls", one(calls): "{calls} call", zh: "{calls} 次" }
        }
    }

    #[test]
    fn english_has_a_singular() {
        let told = |calls: &str, lang| counts::Texts(lang).calls(Html(calls.to_owned())).0;
        for (calls, en) in [
            ("1", "1 call"),
            ("0", "0 calls"),
            ("11", "11 calls"),
            ("−1", "−1 calls"),
            ("<span class=\"fig\">1</span>", "<span class=\"fig\">1</span> call"),
            ("<span class=\"fig\">21</span>", "<span class=\"fig\">21</span> calls"),
        ] {
            assert_eq!(told(calls, Lang::En), en);
        }
        assert_eq!(told("1", Lang::Zh), "1 次");
    }

    #[test]
    fn the_language_that_the_browser_prefers_is_spoken() {
        for (header, lang) in [
            ("", Lang::En),
            ("zh-CN,zh;q=0.9,en;q=0.8", Lang::Zh),
            ("en-GB,en;q=0.9,zh;q=0.8", Lang::En),
            ("fr, zh-TW;q=0.4, en;q=0.3", Lang::Zh),
            ("de;q=1.0", Lang::En),
            ("zh;q=0, de", Lang::En),
            ("en;q=0.5,zh;q=0.5", Lang::En),
            ("ZH-hans", Lang::Zh),
            ("zh;q=x", Lang::En),
        ] {
            assert_eq!(Lang::accepted(header), lang, "{header}");
        }
    }
}
