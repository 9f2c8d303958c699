//! A charge as a person would note it down.

use steelyard_pricing::{AmountOff, DayCharge, Limit, Line, LineCause, Per, Rated, Slice};

pub(crate) fn of(charged: &DayCharge) -> String {
    let mut notes = charged.lines.iter().map(line).collect::<Vec<_>>();
    for unpriced in &charged.unpriced {
        for (api, metered) in unpriced.apis.iter() {
            notes.push(format!("{}unpriced {api}: {metered}", because(unpriced.because)));
        }
    }
    notes.push(format!("charge {} of {}", charged.charge_fen, charged.rated_yuan));
    notes.join("\n")
}

fn line(line: &Line) -> String {
    let what = match &line.rate {
        Some(rate) if line.because == LineCause::Minimum => {
            format!("{rate}: {}", line.after.base_yuan)
        }
        Some(rate) => format!("{rate}: {}", of_rate(line, &line.after)),
        None if line.because == LineCause::Concession => {
            let without = line.without.iter().map(ToString::to_string).collect::<Vec<_>>();
            let (all, less) = (line.after.base_yuan, line.after.due_yuan);
            format!("month: {all}, without {} {less}", without.join(" and "))
        }
        None if line.because == LineCause::Tax => format!("on {}", line.after.base_yuan),
        None if line.because == LineCause::Minimum => format!("plan: {}", line.after.base_yuan),
        None => format!("plan: rates {}", line.after.base_yuan),
    };
    let day = line.segment.day_of_month();
    format!(
        "{}from {day} {what}{} = {}, was {}, {} rounded by {} = {}",
        because(line.because),
        taken_off(&line.after),
        line.after_yuan().unwrap(),
        line.before.yuan,
        line.exact_yuan,
        line.rounding_yuan,
        line.charge_fen,
    )
}

fn because(cause: LineCause) -> &'static str {
    match cause {
        LineCause::Usage => "",
        LineCause::Late => "late ",
        LineCause::Void => "void ",
        LineCause::Terms => "new terms ",
        LineCause::Shifted => "shifted ",
        LineCause::Minimum => "minimum ",
        LineCause::Concession => "concession ",
        LineCause::Tax => "tax ",
    }
}

fn of_rate(line: &Line, after: &Rated) -> String {
    let mut note = format!("{} to {}", line.before.metered, after.metered);
    if !after.free.is_zero() {
        note += &format!(", free {} of {}", after.free_used, after.free);
        let earlier = after.continued.as_ref().map(|before| before.free_used);
        if let Some(earlier) = earlier.filter(|earlier| !earlier.is_zero()) {
            note += &format!(" after {earlier}");
        }
    }
    if !after.plan_free_used.is_zero() {
        note += &format!(", plan's free {}", after.plan_free_used);
    }
    for (day, metered) in &after.days {
        note += &format!(", on {} {metered}", day.day_of_month());
    }
    if let Some(top) = after.top {
        note += &format!(", the month {top}");
    }
    let slices = slices(&after.slices);
    if slices.is_empty() {
        return note;
    }
    note += &format!(", {slices}");
    match after.continued.as_ref().filter(|before| !before.slices.is_empty()) {
        Some(before) => note + " less " + &self::slices(&before.slices),
        None => note,
    }
}

fn slices(slices: &[Slice]) -> String {
    slices.iter().map(slice).collect::<Vec<_>>().join(" + ")
}

fn slice(slice: &Slice) -> String {
    let Slice { from, to, count, price, flat_fee, .. } = slice;
    let count = match slice.per {
        Per::Unit => format!("({to} − {from})"),
        Per::Yuan => format!("¥({to} − {from})"),
        Per::Call => format!("{count} calls"),
        Per::Package(size)
        | Per::FullPackage(size)
        | Per::HalfUpPackage(size)
        | Per::HalfEvenPackage(size) => format!("{count} packages of {size}"),
        Per::Block(size) => format!("{count} blocks of {size}"),
    };
    let fee = if flat_fee.is_zero() { String::new() } else { format!(" + {flat_fee}") };
    format!("{count} × {price}{fee}")
}

fn taken_off(after: &Rated) -> String {
    let mut note = String::new();
    for taken in &after.discounts {
        note += &match &taken.amount {
            None => format!(", less {}% of {}", taken.percent, taken.of_yuan),
            Some(off) => {
                let AmountOff { yuan, since, earlier_yuan, used_yuan } = **off;
                let since = since.map_or(String::new(), |since| {
                    format!(" since {since} after {earlier_yuan} in earlier months,")
                });
                format!(", less {} of {yuan}{since} after {used_yuan}", taken.off_yuan)
            }
        };
    }
    let earlier = match &after.continued {
        Some(before) if !before.due_yuan.is_zero() => format!(" with {} before", before.due_yuan),
        Some(_) | None => String::new(),
    };
    note += &match after.limit {
        None => String::new(),
        Some(Limit::Maximum(most)) => format!(", at most {most}{earlier}"),
        Some(Limit::Minimum(least)) => format!(", at least {least}{earlier}"),
    };
    match &after.deferred_yuan {
        None => note,
        Some(deferred) => note + &format!(", {deferred} at the end"),
    }
}
