//! The page of an operator: its head, and sections with what its view says.

use askama::Template;

use super::form::FormWriter;
use super::parts::{Chip, Section};
use super::texts::Shared;
use crate::frame::{Common, Frame};
use crate::show::Html;

/// A page of operators, with their navigation.
#[derive(Debug, Template)]
#[template(path = "operator/page.html")]
pub struct OperatorPage<'a> {
    frame: &'a Frame,
    c: Common,
    title: Html,
    chip: Option<Html>,
    recorded: Option<Html>,
    summary: Option<Html>,
    sections: Vec<Section>,
    foot: Option<Html>,
}

impl<'a> OperatorPage<'a> {
    pub(crate) fn of(frame: &'a Frame, title: Html, sections: Vec<Section>) -> OperatorPage<'a> {
        let t = Shared(frame.lang);
        let recorded = match (&frame.operator, frame.may.operate) {
            (Some(operator), true) => Some(t.recorded(operator)),
            (Some(_), false) => Some(t.read_only()),
            (None, _) => None,
        };
        OperatorPage {
            frame,
            c: Common(frame.lang),
            title,
            chip: None,
            recorded,
            summary: None,
            sections,
            foot: Some(t.schedule()),
        }
    }

    pub(crate) fn with_chip(self, chip: &Chip) -> OperatorPage<'a> {
        OperatorPage { chip: Some(chip.html()), ..self }
    }

    pub(crate) fn with_forms(self, forms: &FormWriter<'_>) -> OperatorPage<'a> {
        OperatorPage { summary: forms.summary(), ..self }
    }
}
