//! How values are written in HTML: amounts, counts, days and times, each in the language of the
//! page.

use std::fmt::{self, Display, Formatter, Write};

use askama::filters::{Escaper, HtmlSafe};
use jiff::civil::{Date, DateTime, Time, Weekday};
use rust_decimal::Decimal;
use steelyard_billing::{ProviderId, ReportId, SourceId, StatementId};
use steelyard_pricing::{ApiName, BillingDay, BillingMonth, Calls, Fen, Name, Percent, Yuan};

use crate::lang::Lang;

/// HTML that is complete and safe: it is written as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(pub(crate) String);

/// A value that a page can show in each language.
///
/// An implementation escapes what comes from outside.
pub(crate) trait Show {
    /// Writes the value as HTML.
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result;
}

/// A value in a language, as [`Display`].
pub(crate) struct Shown<'a, T: ?Sized>(pub(crate) &'a T, pub(crate) Lang);

/// An amount as a figure with its currency: ¥1,234.50.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure(pub(crate) Fen);

/// An amount without its currency, for tables whose column names it: 1,234.50.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain(pub(crate) Fen);

/// An amount without its currency and its sign, where an operator stands before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unsigned(pub(crate) Fen);

/// A change: like [`Plain`], and with a plus sign if it is more than nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change(pub(crate) Fen);

/// An exact amount with its currency and all of its decimals, two at least: ¥0.0001.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Price(pub(crate) Yuan);

/// A count with separators: 26,618,798.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count(pub(crate) u64);

/// A count that may be negative, with separators: −26,618.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed(pub(crate) i64);

/// A quantity with separators and its decimals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units(pub(crate) Decimal);

/// A day with its year: 18 May 2015.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WithYear(pub(crate) BillingDay);

/// A day with its day of the week: Tuesday 19 May.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WithWeekday(pub(crate) Date);

/// A time of these days, without its year: 19 May, 10:00.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Brief(pub(crate) DateTime);

/// A name that was chosen outside, such as an API's, set as code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code<'a>(pub(crate) &'a str);

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "March", "April", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec"];

impl Html {
    /// A link with a label.
    pub(crate) fn link(href: &str, label: &Html) -> Html {
        let href = Html::show(href, Lang::En);
        Html(format!("<a href=\"{href}\">{label}</a>"))
    }

    /// The text that a function writes; the function must escape what others wrote.
    pub(crate) fn of(write: impl Fn(&mut Formatter<'_>) -> fmt::Result) -> Html {
        Html(fmt::from_fn(write).to_string())
    }

    /// The text alone, for what can't hold elements, such as the title of a picture's part.
    pub(crate) fn without_tags(&self) -> Html {
        let mut text = String::with_capacity(self.0.len());
        let mut is_tag = false;
        for character in self.0.chars() {
            match character {
                '<' => is_tag = true,
                '>' if is_tag => is_tag = false,
                _ if is_tag => {}
                _ => text.push(character),
            }
        }
        Html(text)
    }

    /// A value in a language.
    pub(crate) fn show(value: impl Show, lang: Lang) -> Html {
        Html(Shown(&value, lang).to_string())
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sentences one after another.
    pub(crate) fn sentences(sentences: impl IntoIterator<Item = Html>, lang: Lang) -> Html {
        sentences.into_iter().fold(Html::default(), |text, next| text.then(&next, lang))
    }

    /// Another sentence after this one.
    pub(crate) fn then(self, next: &Html, lang: Lang) -> Html {
        let gap = match lang {
            _ if self.0.is_empty() || next.0.is_empty() => "",
            Lang::En => " ",
            Lang::Zh => "",
        };
        Html(self.0 + gap + &next.0)
    }
}

impl HtmlSafe for Html {}
impl<T: Show + ?Sized> HtmlSafe for Shown<'_, T> {}

impl Display for Html {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: Show + ?Sized> Shown<'_, T> {
    /// Whether a number is shown as 1, so that English counts in the singular.
    pub(crate) fn is_one(&self) -> bool {
        let shown = self.to_string();
        // A figure stands in a `span`.
        let text = shown.strip_suffix("</span>").unwrap_or(&shown);
        text.rsplit('>').next() == Some("1")
    }
}

impl<T: Show + ?Sized> Display for Shown<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.show(self.1, f)
    }
}

impl Show for Html {
    fn show(&self, _: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Show for str {
    fn show(&self, _: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        askama::filters::Html.write_escaped_str(f, self)
    }
}

impl Show for String {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        self.as_str().show(lang, f)
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        (**self).show(lang, f)
    }
}

/// Ids are shown as they are written.
macro_rules! show_escaped {
    ($($kind:ty),+) => {
        $(
            impl Show for $kind {
                fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
                    self.to_string().show(lang, f)
                }
            }
        )+
    };
}

show_escaped!(ApiName, Name, Percent, ProviderId, ReportId, SourceId);

impl Show for Code<'_> {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("<code>")?;
        self.0.show(lang, f)?;
        f.write_str("</code>")
    }
}

impl Show for Figure {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        let sign = if self.0.is_negative() { "−" } else { "" };
        write!(f, "<span class=\"fig\">{sign}<span class=\"y\">¥</span>")?;
        unsigned(self.0).show(lang, f)?;
        f.write_str("</span>")
    }
}

impl Show for Plain {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_negative() { "−" } else { "" })?;
        unsigned(self.0).show(lang, f)
    }
}

impl Show for Unsigned {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        unsigned(self.0).show(lang, f)
    }
}

impl Show for Change {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_positive() { "+" } else { "" })?;
        Plain(self.0).show(lang, f)
    }
}

/// A sum of fen without its sign, in yuan with two decimals.
fn unsigned(amount: Fen) -> Units {
    let yuan = Yuan::from(amount).decimal().abs();
    Units(two_decimals(yuan))
}

/// The same number with two decimals at least.
fn two_decimals(number: Decimal) -> Decimal {
    let mut number = number.normalize();
    if number.scale() < 2 {
        number.rescale(2);
    }
    number
}

impl Show for Price {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        let amount = self.0.decimal();
        let sign = if amount.is_sign_negative() && !amount.is_zero() { "−" } else { "" };
        write!(f, "<span class=\"fig\">{sign}<span class=\"y\">¥</span>")?;
        Units(two_decimals(amount.abs())).show(lang, f)?;
        f.write_str("</span>")
    }
}

impl Show for Units {
    fn show(&self, _: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        let text = self.0.abs().to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        if self.0.is_sign_negative() && !self.0.is_zero() {
            f.write_char('−')?;
        }
        for (at, digit) in whole.char_indices() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                f.write_char(',')?;
            }
            f.write_char(digit)?;
        }
        if fraction.is_empty() { Ok(()) } else { write!(f, ".{fraction}") }
    }
}

impl Show for Count {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        Units(Decimal::from(self.0)).show(lang, f)
    }
}

impl Show for Signed {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        Units(Decimal::from(self.0)).show(lang, f)
    }
}

impl Show for Calls {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        Count(self.get()).show(lang, f)
    }
}

impl Show for Date {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        match lang {
            Lang::En => write!(f, "{} {}", self.day(), month_name(*self)),
            Lang::Zh => write!(f, "{} 月 {} 日", self.month(), self.day()),
        }
    }
}

fn month_name(date: Date) -> &'static str {
    let index = usize::try_from(date.month() - 1).unwrap_or_default();
    MONTHS.get(index).copied().unwrap_or_default()
}

impl Show for BillingDay {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        self.date().show(lang, f)
    }
}

impl Show for WithYear {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        let date = self.0.date();
        match lang {
            Lang::En => write!(f, "{} {}", Shown(&date, lang), date.year()),
            Lang::Zh => write!(f, "{} 年 {}", date.year(), Shown(&date, lang)),
        }
    }
}

impl Show for WithWeekday {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        let (english, chinese) = match self.0.weekday() {
            Weekday::Monday => ("Monday", "星期一"),
            Weekday::Tuesday => ("Tuesday", "星期二"),
            Weekday::Wednesday => ("Wednesday", "星期三"),
            Weekday::Thursday => ("Thursday", "星期四"),
            Weekday::Friday => ("Friday", "星期五"),
            Weekday::Saturday => ("Saturday", "星期六"),
            Weekday::Sunday => ("Sunday", "星期日"),
        };
        match lang {
            Lang::En => write!(f, "{english} {}", Shown(&self.0, lang)),
            Lang::Zh => write!(f, "{}{chinese}", Shown(&self.0, lang)),
        }
    }
}

impl Show for StatementId {
    /// The day of the bill; a supplement by its number too.
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        self.day.show(lang, f)?;
        if self.supplement == 0 { Ok(()) } else { write!(f, " (+{})", self.supplement) }
    }
}

impl Show for BillingMonth {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        let first = self.first_day().date();
        match lang {
            Lang::En => write!(f, "{} {}", month_name(first), first.year()),
            Lang::Zh => write!(f, "{} 年 {} 月", first.year(), first.month()),
        }
    }
}

impl Show for Time {
    fn show(&self, _: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour(), self.minute())
    }
}

impl Show for DateTime {
    /// With the year, to the minute: 19 May 2015, 08:32.
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        let (date, time) =
            (Shown(&self.date(), lang).to_string(), Shown(&self.time(), lang).to_string());
        match lang {
            Lang::En => write!(f, "{date} {}, {time}", self.year()),
            Lang::Zh => write!(f, "{} 年 {date} {time}", self.year()),
        }
    }
}

impl Show for Brief {
    fn show(&self, lang: Lang, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.date().show(lang, f)?;
        f.write_str(match lang {
            Lang::En => ", ",
            Lang::Zh => " ",
        })?;
        self.0.time().show(lang, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn english(value: impl Show) -> String {
        Html::show(value, Lang::En).0
    }

    fn chinese(value: impl Show) -> String {
        Html::show(value, Lang::Zh).0
    }

    #[test]
    fn amounts_have_separators_and_two_decimals() {
        assert_eq!(english(Plain(Fen::new(123_456_789))), "1,234,567.89");
        assert_eq!(english(Plain(Fen::new(-5))), "−0.05");
        assert_eq!(english(Plain(Fen::ZERO)), "0.00");
        assert_eq!(english(Change(Fen::new(100_000))), "+1,000.00");
        assert_eq!(english(Change(Fen::ZERO)), "0.00");
        let figure = "<span class=\"fig\">−<span class=\"y\">¥</span>1,000.00</span>";
        assert_eq!(english(Figure(Fen::new(-100_000))), figure);
    }

    #[test]
    fn prices_show_all_their_decimals() {
        for (price, shown) in [("0.0001", "0.0001"), ("3", "3.00"), ("-1200.5", "1,200.50")] {
            let yuan = Yuan::new(price.parse().unwrap());
            assert!(english(Price(yuan)).contains(shown), "{shown}");
        }
    }

    #[test]
    fn counts_have_separators() {
        for (count, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (26_618_798, "26,618,798")]
        {
            assert_eq!(english(Count(count)), shown);
        }
    }

    #[test]
    fn days_and_times_are_written_in_the_language() {
        let day: BillingDay = "2015-05-18".parse().unwrap();
        assert_eq!((english(day), chinese(day)), ("18 May".into(), "5 月 18 日".into()));
        assert_eq!(english(WithYear(day)), "18 May 2015");
        assert_eq!(chinese(WithYear(day)), "2015 年 5 月 18 日");
        assert_eq!(english(WithWeekday(day.date())), "Monday 18 May");
        assert_eq!(chinese(day.month()), "2015 年 5 月");
        let at: DateTime = "2015-05-19T08:32".parse().unwrap();
        assert_eq!(english(at), "19 May 2015, 08:32");
        assert_eq!(chinese(at), "2015 年 5 月 19 日 08:32");
    }

    #[test]
    fn what_was_chosen_outside_is_escaped() {
        let shown = english(Code("<script>\"&'"));
        assert!(
            !shown.contains("<script>")
                && !shown.contains('"'.to_string().as_str().repeat(2).as_str())
        );
        assert_eq!(shown, "<code>&#60;script&#62;&#34;&#38;&#39;</code>");
    }
}
