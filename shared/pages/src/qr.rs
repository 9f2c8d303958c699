//! QR codes as SVG: dark on light in every theme, since phones read no other.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

use crate::Lang;
use crate::show::{Html, Shown};

/// The light border that a reader needs, in modules (ISO/IEC 18004).
const QUIET: usize = 4;

/// From how many modules a side on a code is drawn larger, so that a phone still resolves them.
const DENSE: usize = 61;

/// A QR code.
#[derive(Clone, Debug)]
pub(crate) struct Qr {
    pub(crate) svg: Html,
    /// Whether it needs more room.
    pub(crate) is_dense: bool,
}

impl Qr {
    /// The code of a text, with a title for those who do not see it. None if the text is longer
    /// than a code can hold.
    pub(crate) fn new(text: &str, title: Html, lang: Lang) -> Option<Qr> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let width = code.width();
        let side = width + 2 * QUIET;
        let mut svg = format!(
            "<svg role=\"img\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\"><title>{}</title>\
             <path fill=\"#ffffff\" d=\"M0 0h{side}v{side}H0z\"/><path stroke=\"#14181b\" d=\"",
            Shown(&title, lang)
        );
        for (row, modules) in code.to_colors().chunks(width).enumerate() {
            draw_row(&mut svg, row + QUIET, modules);
        }
        svg.push_str("\"/></svg>");
        Some(Qr { svg: Html(svg), is_dense: width >= DENSE })
    }
}

/// A row as strokes of its dark runs. Writing to a text never fails.
fn draw_row(svg: &mut String, row: usize, modules: &[Color]) {
    let (mut at, mut pen) = (0, None);
    for run in modules.chunk_by(|a, b| a == b) {
        if run.first() == Some(&Color::Dark) {
            let _ = match pen {
                None => write!(svg, "M{} {row}.5h{}", at + QUIET, run.len()),
                Some(end) => write!(svg, "m{} 0h{}", at - end, run.len()),
            };
            pen = Some(at + run.len());
        }
        at += run.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_with_its_border_and_its_title() {
        let qr = Qr::new("https://qr.alipay.com/bax1", Html("Pay".to_owned()), Lang::En).unwrap();
        assert!(qr.svg.0.starts_with("<svg role=\"img\" viewBox=\"0 0 33 33\""), "{}", qr.svg);
        assert!(qr.svg.0.contains("<title>Pay</title>"));
        // The first row of a finder pattern: seven dark modules from the border on.
        assert!(qr.svg.0.contains("d=\"M4 4.5h7"), "{}", qr.svg);
        assert!(!qr.is_dense && !qr.svg.0.contains("style"));
    }

    #[test]
    fn a_text_that_fits_no_code_has_none() {
        assert!(Qr::new(&"x".repeat(2_953), Html::default(), Lang::En).unwrap().is_dense);
        assert!(Qr::new(&"x".repeat(2_954), Html::default(), Lang::En).is_none());
    }
}
