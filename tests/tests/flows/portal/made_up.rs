//! Requests that a program makes up from what the pages link to and ask for: paths, parameters,
//! forms and cookies that no browser sends. None may fail, be echoed as markup, or open a page.

use std::collections::BTreeSet;

use fastrand::Rng;
use steelyard_runtime::Environment;

use super::operators::operator;
use super::*;

/// How many requests are made up, unless `MADE_UP_REQUESTS` says otherwise.
const REQUESTS: u64 = 1_200;

/// Text that is markup unless it is escaped.
const MARKUP: &str = r#""'><u id=x>"#;

/// Values that are none, or at the edge of what is one.
const VALUES: [&str; 36] = [
    "",
    " ",
    "0",
    "-1",
    "1",
    "00",
    "1.005",
    "1e9",
    "NaN",
    "Infinity",
    "18446744073709551616",
    "-9223372036854775808",
    "92233720368547758.08",
    "0.0000000000000000001",
    "2015-05-17",
    "2015-05",
    "2015-02-29",
    "2015-13-01",
    "0000-01-01",
    "9999-12-31",
    "-009999-01-01",
    "2015-05-31+1",
    "2015-05-31+65536",
    "2015-05-17T00:00:00Z",
    "true",
    "on",
    "zh",
    "x;y",
    "a,b",
    "../..",
    "%2e%2e",
    "\u{0}",
    "\u{feff}\u{202e}",
    "价格💴",
    "{}",
    MARKUP,
];

/// What the pages say of themselves.
#[derive(Debug, Default)]
struct Known {
    targets: Vec<String>,
    /// Where each form goes, and its fields.
    forms: Vec<(String, String)>,
    names: Vec<String>,
    values: Vec<String>,
}

impl Known {
    /// Notes what a page links to, where its forms go, and what their fields are called.
    fn read(&mut self, page: &str, html: &str) {
        self.forms.extend(html.split("<form").skip(1).map(|form| read_form(page, form)));
        self.targets.extend(attributes(html, "href"));
        self.targets.extend(attributes(html, "action"));
        self.targets.retain(|target| target.starts_with("/portal/"));
        self.names.extend(attributes(html, "name"));
        self.values.extend(attributes(html, "value"));
        for of in [&mut self.targets, &mut self.names, &mut self.values] {
            let distinct: BTreeSet<String> = of.drain(..).collect();
            of.extend(distinct);
        }
    }
}

/// Where a form goes, and its fields as a browser sends them if they are left alone.
fn read_form(page: &str, html: &str) -> (String, String) {
    let form = html.split("</form>").next().unwrap();
    let (head, inside) = form.split_once('>').unwrap();
    let target = attributes(head, "action").pop().unwrap_or_else(|| page.to_owned());
    let mut fields = form_urlencoded::Serializer::new(String::new());
    for tag in inside.split('<') {
        if let Some(name) = attributes(tag, "name").first() {
            fields.append_pair(name, attributes(tag, "value").first().map_or("1", |of| of));
        }
    }
    (target, fields.finish())
}

/// The values of an attribute.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let before = format!(" {name}=\"");
    let values = html.split(&before).skip(1).filter_map(|rest| rest.split('"').next());
    values.map(|text| text.replace("&amp;", "&").replace("&#38;", "&")).collect()
}

/// Makes requests up, as a seed draws them.
struct Maker {
    rng: Rng,
    known: Known,
}

impl Maker {
    fn value(&mut self) -> String {
        match self.rng.u8(0..8) {
            0 => "9".repeat(self.rng.usize(1..6_000)),
            1 => (0..self.rng.usize(0..40)).map(|_| self.rng.char(..)).collect(),
            2..=4 => pick(&mut self.rng, &self.known.values),
            _ => pick(&mut self.rng, &VALUES).to_owned(),
        }
    }

    /// Fields as a browser sends them, or nearly so.
    fn fields(&mut self, of: &str) -> String {
        let mut fields: Vec<(String, String)> =
            form_urlencoded::parse(of.as_bytes()).into_owned().collect();
        for _ in 0..self.rng.usize(0..4) {
            let name = match self.rng.u8(0..10) {
                0 => self.value(),
                _ => pick(&mut self.rng, &self.known.names),
            };
            fields.push((name, self.value()));
        }
        if let (Some(field), true) = (fields.first_mut(), self.rng.bool()) {
            field.1 = pick(&mut self.rng, &VALUES).to_owned();
        }
        self.rng.shuffle(&mut fields);
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        match self.rng.u8(0..12) {
            0 => text.replace('=', "%"),
            1 => format!("{text}&&=&%ff=%fe&"),
            _ => text,
        }
    }

    fn target(&mut self) -> String {
        let target = pick(&mut self.rng, &self.known.targets);
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        if self.rng.u8(0..4) == 0 {
            let place = self.rng.usize(2..segments.len());
            let value = self.value();
            segments[place] = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        }
        let fields = self.fields(query);
        format!("{}?{fields}", segments.join("/"))
    }

    /// A cookie that nobody sealed: another one with some bytes changed, moved or cut off.
    fn cookie(&mut self, of: &str) -> String {
        let mut bytes = of.as_bytes().to_vec();
        for _ in 0..self.rng.usize(1..4) {
            let place = self.rng.usize(COOKIE_NAME..bytes.len());
            match self.rng.u8(0..3) {
                0 => bytes[place] = pick(&mut self.rng, b"AZaz09-_=+/%;\" "),
                1 => bytes.truncate(place),
                _ => bytes.insert(place, b'A'),
            }
            if bytes.len() <= COOKIE_NAME {
                break;
            }
        }
        String::from_utf8(bytes).unwrap()
    }
}

/// The paths that need no session.
const PUBLIC: [&str; 3] = ["/portal/page.css", "/portal/reference", "/portal/leave"];

/// The length of a cookie's name and `=`.
const COOKIE_NAME: usize = "__Host-steelyard=".len();

fn pick<T: Clone>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.usize(0..of.len())].clone()
}

#[tokio::test]
async fn no_request_that_is_made_up_fails_or_is_echoed_as_markup_or_opens_a_page() {
    let platform = platform().await;
    let own = session(&platform, "a", &["pay", "mandate", "alerts"]).await;
    let li = operator(&platform, "li", &["operate"]).await;
    let mut known = Known::default();
    let of_operators = ["providers", "debits", "reconciliation", "runs", "receivables", "actions"];
    let pages = PAGES.map(|page| (format!("/portal/providers/a/{page}"), &own));
    let of_operators = of_operators.map(|page| (format!("/portal/operator/{page}"), &li));
    for (page, cookie) in pages.iter().chain(&of_operators) {
        known.targets.push(page.clone());
        known.read(page, &ask(&platform, Method::GET, page, cookie, "").await.body);
    }
    assert!(known.targets.len() > 40 && known.names.len() > 20, "{known:?}");
    let mut maker = Maker { rng: Rng::with_seed(1), known };
    let environment = Environment::of_process();
    let wanted = environment.optional("MADE_UP_REQUESTS").map(|of| of.parse().unwrap());
    let (mut statuses, mut is_echoed, mut refused) = (BTreeSet::new(), false, 0_usize);
    for number in 0..wanted.unwrap_or(REQUESTS) {
        let (method, target, body) = match maker.rng.u8(0..3) {
            0 => {
                let (target, fields) = pick(&mut maker.rng, &maker.known.forms);
                (Method::POST, target, maker.fields(&fields))
            }
            _ => (Method::GET, maker.target(), String::new()),
        };
        let sealed = pick(&mut maker.rng, &[&own, &li]);
        let is_altered = maker.rng.u8(0..6) == 0;
        let cookie = if is_altered { maker.cookie(sealed) } else { sealed.clone() };
        let seen = ask(&platform, method.clone(), &target, &cookie, &body).await;
        let of = format!("{number}: {method} {target} {body} {cookie}: {}", seen.status);
        assert!(seen.status < 500, "{of} {}", seen.body);
        assert!(!seen.body.contains(MARKUP) && !seen.body.contains("<u id=x>"), "{of}");
        if is_altered && cookie != *sealed {
            // Nothing is shown, and nothing is done.
            let is_public = PUBLIC.iter().any(|path| target.starts_with(path));
            assert!(is_public || ![200, 303].contains(&seen.status), "{of} {}", seen.body);
            refused += usize::from(seen.status == 401);
        }
        is_echoed |= seen.body.contains("u id=x");
        statuses.insert(seen.status);
    }
    assert!(is_echoed, "no page shows what was sent");
    assert!(refused > 50, "{refused} requests with an altered cookie were refused for it");
    // It reaches what is shown, sent on, refused and missing.
    assert!(BTreeSet::from([200, 303, 400, 401, 404]).is_subset(&statuses), "{statuses:?}");
}
