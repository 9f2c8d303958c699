//! Usage that is withdrawn after it was charged is credited, whatever was charged with it.

use expect_test::expect;
use steelyard_billing::SettlementError;
use steelyard_pricing::Usage;

use crate::shop::{Shop, day};

#[test]
fn a_void_is_credited_by_the_next_statement_of_its_month() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 300);
    shop.count("05-16", "vas.a", 100);
    shop.check(
        "2015-05-17 00:30",
        expect![[r#"
        2015-05-16: 2.33
            basic 0 to 300 (100 of 100 free) = 2.00
            extra 0 to 100 = 0.33"#]],
    );
    shop.withdraw("05-16", "t.a", 250);
    shop.withdraw("05-16", "vas.a", 100);
    shop.check("2015-05-17 12:00", expect![[""]]);
    shop.count("05-17", "t.a", 60);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
        2015-05-17: -2.23
            void basic 300 to 50 (50 of 100 free) = -2.00
            void extra 100 to 0 = -0.33
            basic 50 to 110 (100 of 100 free) = 0.10
            350 were withdrawn of 2015-05-16"#]],
    );
}

#[test]
fn what_is_withdrawn_and_replaced_has_a_line_for_each() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 300);
    shop.count("05-16", "nobody.knows", 4);
    shop.settle("2015-05-17 00:30");
    shop.withdraw("05-16", "t.a", 300);
    shop.withdraw("05-16", "nobody.knows", 3);
    shop.count("05-16", "t.b", 130);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
        2015-05-17: -1.70
            late basic 300 to 430 (100 of 100 free) = 1.30
            void basic 430 to 130 (100 of 100 free) = -3.00
            void unpriced nobody.knows 3
            130 came late of 2015-05-16
            303 were withdrawn of 2015-05-16"#]],
    );
}

#[test]
fn a_void_of_the_last_day_is_a_supplement() {
    let mut shop = Shop::new();
    shop.count("05-31", "t.a", 300);
    shop.settle("2015-06-01 00:30");
    shop.withdraw("05-31", "t.a", 300);
    shop.check(
        "2015-06-01 12:00",
        expect![[r#"
        2015-05-31+1: -2.00
            void basic 300 to 0 = -2.00
            300 were withdrawn of 2015-05-31"#]],
    );
}

#[test]
fn usage_that_is_withdrawn_before_its_day_is_settled_is_never_charged() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 300);
    shop.withdraw("05-16", "t.a", 300);
    shop.check("2015-05-17 00:30", expect![[""]]);
}

#[test]
fn more_than_was_withdrawn_is_not_credited() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 300);
    shop.settle("2015-05-17 00:30");
    shop.withdraw("05-16", "t.a", 100);
    let count = shop.books.counted.get_mut(&day("05-16")).unwrap();
    count.usage = Usage::new();
    let refused = shop.next("2015-05-18 00:30");
    assert!(matches!(refused, Err(SettlementError::Shrunk(of)) if of == day("05-16")));
}
