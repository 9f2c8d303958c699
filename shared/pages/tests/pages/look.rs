//! What holds of every page, and where to look at it.

use std::fs;
use std::path::Path;

use askama::Template;
use steelyard_pages::{Lang, STYLE_SHEET};

/// The rendered page, after everything that holds of all pages. It is also written to the folder of
/// this test, with its style sheet, to be looked at in a browser.
pub(crate) fn page(name: &str, lang: Lang, page: &impl Template) -> String {
    let html = page.render().unwrap();
    check(name, lang, &html);
    html
}

/// The same for a page that is rendered.
pub(crate) fn check(name: &str, lang: Lang, html: &str) {
    for forbidden in ["<script", "style=\"", "<style", "javascript:", "Some("] {
        assert!(!html.contains(forbidden), "{name}: {forbidden}");
    }
    let is_code = |text: &String| {
        let says_none = text.split(' ').any(|word| word == "None") && !text.starts_with("None of ");
        says_none || text.contains("::") && !text.contains("arn:")
    };
    assert_eq!(texts(html).into_iter().find(is_code), None, "{name}");
    assert_eq!(html.matches("<h1>").count(), 1, "{name}");
    assert!(html.contains(&format!("<html lang=\"{}\">", lang.tag())), "{name}");
    assert!(html.len() + STYLE_SHEET.len() < 100_000, "{name}: {} bytes", html.len());
    check_attributes(name, html);
    check_tags(name, html);
    if lang == Lang::Zh {
        check_punctuation(name, html);
    }
    check_references(name, html);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("look");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("page.css"), STYLE_SHEET).unwrap();
    let local = html.replace("/portal/page.css", "page.css");
    fs::write(folder.join(format!("{name}.{}.html", lang.name())), local).unwrap();
}

/// Every element that is opened is closed.
fn check_tags(name: &str, html: &str) {
    for opened in ["<section", "<div", "<svg", "<dl", "<details", "<table", "<ol", "<ul", "<a "] {
        let closed = format!("</{}>", opened.trim_start_matches('<').trim());
        let [opened_times, closed_times] = [opened, &closed].map(|tag| html.matches(tag).count());
        assert_eq!(opened_times, closed_times, "{name}: {opened}");
    }
}

/// Between a value and the next attribute is a space.
fn check_attributes(name: &str, html: &str) {
    for tag in html.split('<').filter_map(|part| part.split('>').next()) {
        for after in tag.split('"').skip(2).step_by(2) {
            let is_apart = after.is_empty() || after == "/" || after.starts_with(' ');
            assert!(is_apart, "{name}: <{tag}>");
        }
    }
}

/// After a Chinese character stands Chinese punctuation, and no space after it.
fn check_punctuation(name: &str, html: &str) {
    let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c) || c == '）';
    for text in texts(html) {
        let characters = text.chars().collect::<Vec<_>>();
        for pair in characters.windows(2) {
            let &[first, second] = pair else { continue };
            let is_half = is_chinese(first) && ",:;.!?".contains(second);
            let is_apart = "。，：；！？".contains(first) && second == ' ';
            assert!(!is_half && !is_apart, "{name}: {text}");
        }
    }
}

/// What stands between the tags, without those inside of a line.
fn texts(html: &str) -> Vec<String> {
    const INLINE: [&str; 7] = ["a", "b", "code", "em", "span", "strong", "wbr"];
    let (mut texts, mut text) = (Vec::new(), String::new());
    for part in html.split('<') {
        let (tag, after) = part.split_once('>').unwrap_or(("", part));
        let element = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        // What people typed is theirs.
        let after = if tag.starts_with("textarea") { "" } else { after };
        if !INLINE.contains(&element) {
            texts.push(std::mem::take(&mut text));
        }
        text += after;
    }
    texts.push(text);
    texts.into_iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// Every label, description and link inside of the page leads to something that is there, once.
fn check_references(name: &str, html: &str) {
    let values = |attribute: &str| -> Vec<String> {
        let begin = format!(" {attribute}=\"");
        let parts = html.split(&begin).skip(1);
        let value = |part: &str| part.split('"').next().unwrap_or_default().to_owned();
        parts.map(value).collect()
    };
    let ids = values("id");
    for id in &ids {
        assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{name}: id {id}");
    }
    for attribute in ["for", "aria-describedby", "aria-labelledby"] {
        for value in values(attribute) {
            for id in value.split(' ') {
                assert!(ids.iter().any(|known| known == id), "{name}: {attribute} {id}");
            }
        }
    }
    for href in values("href").iter().filter_map(|href| href.strip_prefix('#')) {
        assert!(ids.iter().any(|known| known == href), "{name}: #{href}");
    }
    let fields = ["<input ", "<select ", "<textarea "].map(|field| html.matches(field).count());
    let typed = fields.iter().sum::<usize>() - html.matches("type=\"hidden\"").count();
    let labels = html.matches("<label ").count();
    assert_eq!(typed, labels, "{name}: a label for each field");
}
