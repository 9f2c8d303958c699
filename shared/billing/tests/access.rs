//! The rights of callers, by the identities that AWS reports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use steelyard_billing::{
    Access, Caller, Grant, Grantee, IdError, Person, Principal, ProviderId, ProviderPattern, Right,
};

fn principal(text: &str) -> Principal {
    text.parse().unwrap()
}

fn provider(text: &str) -> ProviderId {
    text.parse().unwrap()
}

fn grant(principal: &str, rights: &[Right], providers: &[&str]) -> Grant {
    Grant {
        principals: [principal.parse().unwrap()].into(),
        rights: rights.iter().copied().collect(),
        providers: providers.iter().map(|some| some.parse().unwrap()).collect(),
        by: Person::new("lin").unwrap(),
        at_s: "2015-05-01T12:00:00Z".parse().unwrap(),
    }
}

#[test]
fn role_is_one_principal_whatever_its_path_and_session() {
    let role = "arn:aws-cn:iam::123456789012:role/gateway";
    for same in [
        role,
        "arn:aws-cn:iam::123456789012:role/service/eu/gateway",
        "arn:aws-cn:sts::123456789012:assumed-role/gateway/i-0abc",
        "arn:aws-cn:sts::123456789012:assumed-role/gateway/a/b",
    ] {
        assert_eq!(principal(same).as_str(), role, "{same}");
    }
    for other in [
        "arn:aws:sts::123456789012:assumed-role/gateway/i-0abc",
        "arn:aws-cn:sts::123456789013:assumed-role/gateway/i-0abc",
        "arn:aws-cn:sts::123456789012:assumed-role/gateway2/i-0abc",
        "arn:aws-cn:iam::123456789012:user/gateway",
        "arn:aws-cn:iam::123456789012:root",
        // The name of a session is the caller's choice.
        "arn:aws-cn:sts::123456789012:assumed-role/other/gateway",
        "arn:aws-cn:sts::123456789012:federated-user/gateway",
    ] {
        assert_ne!(principal(other).as_str(), role, "{other}");
    }
    assert_eq!(principal("AROAEXAMPLEID:i-0abc"), principal("AROAEXAMPLEID"));
    assert_ne!(principal("AIDAEXAMPLEID"), principal("AROAEXAMPLEID"));
}

#[test]
fn text_that_names_nobody_is_no_principal_and_no_identity_of_a_caller() {
    for text in [
        "",
        " ",
        "*",
        ":session",
        "arn:aws:iam::1",
        "arn:aws:s3:::bucket/role/gateway",
        "arn:aws:sts::1:assumed-role//i",
        "arn:aws:iam::1:role/",
        "AROA EXAMPLE",
        "角色",
    ] {
        assert!(text.parse::<Principal>().is_err(), "{text:?}");
        let mut access = Access::default();
        access.add(Grantee::Source("g".parse().unwrap()), grant("g", &[Right::Report], &["*"]));
        assert!(
            access.reporting(&Caller::from_identities([text]), &"g".parse().unwrap()).is_err(),
            "{text:?}"
        );
    }
}

#[test]
fn providers_are_named_by_id_by_beginning_or_all() {
    for (pattern, covered, not_covered) in [
        ("*", vec!["a", "isv-1"], vec![]),
        ("isv-*", vec!["isv-1", "isv-"], vec!["isv", "a-isv-1"]),
        ("isv-1", vec!["isv-1"], vec!["isv-10", "isv-"]),
    ] {
        let mut access = Access::default();
        let name = Grantee::Caller("c".parse().unwrap());
        access.add(name, grant("g", &[Right::Quotes], &[pattern]));
        let asks = |of: &str| {
            access
                .check(&Caller::from_identities(["g"]), Right::Quotes, Some(&provider(of)))
                .is_ok()
        };
        assert!(covered.iter().all(|of| asks(of)), "{pattern}");
        assert!(!not_covered.iter().any(|of| asks(of)), "{pattern}");
        assert_eq!(pattern.parse::<ProviderPattern>().unwrap().to_string(), pattern);
    }
    for text in ["", "a*b", "a b*", "**"] {
        assert!(text.parse::<ProviderPattern>().is_err(), "{text:?}");
    }
    assert_eq!("a*b*".parse::<ProviderPattern>(), Err(IdError::Character('*')));
}

#[test]
fn right_is_open_until_a_grant_names_it_or_may_name_it() {
    let open = |access: &Access| -> BTreeSet<Right> {
        Right::ALL.into_iter().filter(|right| access.is_open(*right)).collect()
    };
    let asked = BTreeSet::from([
        Right::Quotes,
        Right::Usage,
        Right::Standing,
        Right::Recharges,
        Right::Mandates,
    ]);
    let mut access = Access::default();
    let reports = BTreeSet::from([Right::Report, Right::Void]);
    assert_eq!(open(&access), &asked | &reports, "accounts, sessions and operators never are");
    access.add(Grantee::Source("g".parse().unwrap()), grant("g", &[Right::Report], &["*"]));
    assert_eq!(open(&access), asked);
    access.add_unreadable(false);
    assert_eq!(open(&access), [].into());
    let mut access = Access::default();
    access.add_unreadable(true);
    assert_eq!(open(&access), asked);
}

#[test]
fn reports_are_withdrawn_by_their_source_and_by_whom_the_right_is_granted() {
    let (source, shop) = ("gateway-1".parse().unwrap(), provider("isv-1"));
    let may = |access: &Access, by: &str| {
        access.withdrawing(&Caller::from_identities([by]), &source, &shop).is_ok()
    };
    let mut access = Access::default();
    assert!(may(&access, "anybody"));
    let engineers = Grantee::Caller("engineers".parse().unwrap());
    access.add(engineers, grant("e", &[Right::Void], &["isv-*"]));
    assert!(may(&access, "anybody"), "as long as anybody may report");
    access.add(Grantee::Source("gateway-1".parse().unwrap()), grant("g", &[Right::Report], &["*"]));
    access.add(Grantee::Source("gateway-2".parse().unwrap()), grant("h", &[Right::Report], &["*"]));
    assert_eq!(["e", "g", "h", "anybody"].map(|by| may(&access, by)), [true, true, false, false]);
    let other = provider("other");
    let denied = access.withdrawing(&Caller::from_identities(["e"]), &source, &other).unwrap_err();
    assert_eq!(denied.to_string(), "e may not withdraw reports of gateway-1 about other");
    assert!(access.reporting(&Caller::from_identities(["e"]), &source).is_err());
}

#[test]
fn rights_of_two_grants_of_one_caller_do_not_mix() {
    let mut access = Access::default();
    access.add(Grantee::Caller("a".parse().unwrap()), grant("g", &[Right::Quotes], &["isv-1"]));
    access.add(Grantee::Caller("b".parse().unwrap()), grant("g", &[Right::Recharges], &["isv-2"]));
    let g = Caller::from_identities(["arn:aws:iam::1:user/x", "g:session"]);
    let may = |right, of| access.check(&g, right, Some(&provider(of))).is_ok();
    assert!(may(Right::Quotes, "isv-1") && may(Right::Recharges, "isv-2"));
    assert!(!may(Right::Quotes, "isv-2") && !may(Right::Recharges, "isv-1"));
    let denied = access.check(&g, Right::Quotes, Some(&provider("isv-2"))).unwrap_err();
    assert_eq!(denied.to_string(), "arn:aws:iam::1:user/x may not ask for quotes for isv-2");
}

#[test]
fn accounts_and_pages_are_for_nobody_without_a_grant() {
    let access = Access::default();
    let anybody = Caller::from_identities(["anybody"]);
    for right in [Right::Accounts, Right::Sessions, Right::Operators] {
        assert!(access.check(&anybody, right, None).is_err(), "{right}");
        assert!(access.check(&anybody, right, Some(&provider("isv-1"))).is_err(), "{right}");
    }
}

#[test]
fn pages_of_operators_need_a_grant_for_all_providers_whichever_they_show_first() {
    for (patterns, may) in [
        (&["isv-1"][..], false),
        (&["isv-*"], false),
        (&["isv-*", "other"], false),
        (&["isv-1", "*"], true),
    ] {
        let mut access = Access::default();
        let desk = Grantee::Caller("desk".parse().unwrap());
        access.add(desk, grant("g", &[Right::Operators], patterns));
        let g = Caller::from_identities(["g"]);
        for shown in [None, Some(provider("isv-1"))] {
            let checked = access.check(&g, Right::Operators, shown.as_ref());
            assert_eq!(checked.is_ok(), may, "{patterns:?} {shown:?}");
        }
    }
}
