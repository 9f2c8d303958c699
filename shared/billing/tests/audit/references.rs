//! Things beside the records that are missing, or name another provider or record.

use steelyard_billing::mandate::{Mandate, MandateLimits};
use steelyard_billing::{MandateId, OutRequestNo, OutTradeNo, TradeNumber, TradeOf, Unmatched};
use steelyard_pricing::Fen;

use crate::books::owner;
use crate::common::at;
use crate::debits::debit;
use crate::keeper::{Keeper, through_alipay};
use crate::realm::realm;
use crate::{Canary, breaches, check_on};

fn number(of: TradeOf) -> OutTradeNo {
    TradeNumber::new(&realm(), &"shop".parse().unwrap(), of).out_trade_no()
}

fn offered(mandate: u32) -> Mandate {
    let limits = MandateLimits { single_fen: Fen::new(10_000), daily_fen: None };
    let (provider, now) = ("shop".parse().unwrap(), at("2015-06-03 12:00"));
    Mandate::offer(&realm(), &provider, MandateId(mandate), limits, now).unwrap()
}

/// Money that the journal moved on a day of June, and no bill has shown.
pub(crate) fn bill_item(booked_on: i8) -> Unmatched {
    Unmatched {
        provider: "shop".parse().unwrap(),
        out_trade_no: number(TradeOf::Debit { debit: steelyard_billing::DebitId(1), attempt: 1 }),
        out_request_no: Some(OutRequestNo::parse("B1").unwrap()),
        amount_fen: Fen::new(-1_200),
        booked_on: jiff::civil::date(2015, 6, booked_on),
    }
}

pub(crate) const CANARIES: &[Canary] = &[
    (
        "ingest does not know the provider",
        |keeper| keeper.books.registration = None,
        &["Registration"],
    ),
    (
        "ingest counts from another month on",
        |keeper| {
            let registration = keeper.books.registration.as_mut().unwrap();
            registration.billed_from = "2015-06".parse().unwrap();
        },
        &["Registration"],
    ),
    ("the code names nobody", |keeper| keeper.books.code = None, &["Code"]),
    (
        "the code names another provider",
        |keeper| keeper.books.code = Some("other".parse().unwrap()),
        &["Code"],
    ),
    ("an agreement has no owner", |keeper| keeper.books.owners.clear(), &["Owner"]),
    (
        "an agreement is another provider's",
        |keeper| keeper.books.owners[0].provider = "other".parse().unwrap(),
        &["Owner"],
    ),
    (
        "an agreement is another mandate's",
        |keeper| keeper.books.owners[0].mandate = MandateId(2),
        &["Owner"],
    ),
    (
        "an agreement has two owners",
        |keeper| {
            let mut second = keeper.books.mandates[0].clone();
            second.mandate = MandateId(2);
            keeper.books.owners.extend(owner(&second));
        },
        &["Owner"],
    ),
    (
        "the owner is of another agreement",
        |keeper| keeper.books.owners[0].agreement_no = "20155245550002".to_owned(),
        &["Owner"],
    ),
    (
        "a bill item is another provider's",
        |keeper| {
            let item = Unmatched { provider: "other".parse().unwrap(), ..bill_item(3) };
            keeper.books.unmatched.push(item);
        },
        &["Foreign"],
    ),
];

pub(crate) const NUMBER_CANARIES: &[Canary] = &[
    (
        "an attempt was sent under a number that is not ours",
        |keeper| {
            debit(keeper, 3).attempts[0].out_trade_no = OutTradeNo::parse("20150603").unwrap();
        },
        &["OurNumber"],
    ),
    (
        "an attempt was sent under another provider's number",
        |keeper| {
            let debit = debit(keeper, 3);
            let of = TradeOf::Debit { debit: debit.debit, attempt: 1 };
            let number = TradeNumber::new(&realm(), &"other".parse().unwrap(), of);
            debit.attempts[0].out_trade_no = number.out_trade_no();
        },
        &["OurNumber"],
    ),
    (
        "an attempt was sent under the number of the next",
        |keeper| {
            let debit = debit(keeper, 3);
            let of = TradeOf::Debit { debit: debit.debit, attempt: 2 };
            debit.attempts[0].out_trade_no = number(of);
        },
        &["OurNumber"],
    ),
    (
        "a recharge was offered under the number of another",
        |keeper| {
            let of = TradeOf::Recharge(steelyard_billing::RechargeId(2));
            keeper.books.recharges[0].out_trade_no = number(of);
        },
        &["OurNumber"],
    ),
    (
        "a mandate was offered under the number of another",
        |keeper| {
            keeper.books.mandates[0].external_agreement_no = offered(2).external_agreement_no;
        },
        &["OurNumber"],
    ),
    (
        "the account forgets its last debit",
        |keeper| keeper.books.account.debits -= 1,
        &["LastNumber"],
    ),
    (
        "the account forgets its last recharge",
        |keeper| keeper.books.account.recharges -= 1,
        &["LastNumber"],
    ),
    (
        "the account forgets its last mandate",
        |keeper| keeper.books.account.mandates -= 1,
        &["LastNumber"],
    ),
    (
        "the account counts a debit that is not stored",
        |keeper| keeper.books.account.debits += 1,
        &["LastNumber"],
    ),
];

#[test]
fn what_stands_beside_the_records_and_is_missing_or_names_another_is_found() {
    check_on(through_alipay, CANARIES);
}

#[test]
fn numbers_that_name_another_record_are_found() {
    check_on(through_alipay, NUMBER_CANARIES);
}

#[test]
fn an_offer_has_a_number_of_ours_and_no_owner() {
    let mut keeper: Keeper = through_alipay();
    keeper.books.mandates.push(offered(2));
    keeper.books.account.mandates = 2;
    crate::books::file(&mut keeper.books);
    assert_eq!(breaches(&keeper), []);
}

#[test]
fn a_number_of_an_earlier_realm_is_ours() {
    let mut keeper = through_alipay();
    let earlier = steelyard_billing::Realm::parse("other1").unwrap();
    let debit = debit(&mut keeper, 3);
    let of = TradeOf::Debit { debit: debit.debit, attempt: 1 };
    let number = TradeNumber::new(&earlier, &debit.provider, of);
    debit.attempts[0].out_trade_no = number.out_trade_no();
    assert_eq!(breaches(&keeper), []);
}
