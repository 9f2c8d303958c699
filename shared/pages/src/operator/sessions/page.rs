//! The page of sessions.

use steelyard_billing::ProviderId;

use super::texts::Texts;
use crate::frame::Frame;
use crate::icon::Icon;
use crate::operator::OperatorPage;
use crate::operator::form::{About, FormWriter, Forms};
use crate::operator::parts::{Notice, Section};
use crate::operator::texts::Shared;
use crate::show::Html;

impl<'a> OperatorPage<'a> {
    /// The page of a provider's sessions. Its form has no field of its own.
    #[must_use]
    pub fn sessions(frame: &'a Frame, provider: &ProviderId, forms: &Forms) -> OperatorPage<'a> {
        let (t, s) = (Texts(frame.lang), Shared(frame.lang));
        let mut forms = FormWriter::new(frame, forms);
        let form = forms.form(About {
            form: "sessions".to_owned(),
            hidden: Vec::new(),
            choices: Vec::new(),
            button: t.end_all(),
            note: s.second_person(),
        });
        let notice = Notice {
            needs_care: false,
            icon: Icon::Info,
            heading: t.heading(provider),
            text: Html::sentences([t.effect(), t.after()], t.0),
            form,
        };
        let section = Section {
            id: "end-all",
            heading: t.end_all(),
            note: Some(t.end_all_note()),
            body: notice.html(),
        };
        OperatorPage::of(frame, t.title(), vec![section]).with_forms(&forms)
    }
}
