//! Links to groups (RFC windlass 6.10, 9.6.19).

use rand_core::Rng;
use serde_json::{Value, json};
use windlass::bundle::{GroupInvitation, build};
use windlass::chat::{GroupId, GroupLinkToken};
use windlass::crypto::Secret;
use windlass::identity::IdentityKeyPair;
use windlass::wire::v2::content::Body;
use windlass::wire::{to_uri, v2};

use super::{Case, Device, hex, rng};

pub fn bodies() -> Vec<(&'static str, Body)> {
    let request = |len: usize| {
        Body::GroupJoinRequest(v2::GroupJoinRequest {
            token: vec![7; len],
        })
    };
    vec![
        ("request to be let into a group", request(16)),
        ("request with a token of 15 bytes", request(15)),
    ]
}

pub fn group_link() -> Vec<Case> {
    let mut rng = rng(61);
    let owner = IdentityKeyPair::generate(&mut rng);
    let other = IdentityKeyPair::generate(&mut rng).public().address();
    let device = Device::random(1_000, false, &mut rng);
    let (prekey_id, secrets) = &device.signed_prekey;
    let device = secrets.device(1_000, *prekey_id);
    let bundle = build(&owner, &[device], None, 1_800_000_000).unwrap();
    let mut random = [0; 16];
    rng.fill_bytes(&mut random);
    let group = GroupId::of(&owner.public().to_bytes(), &random, "crew");
    rng.fill_bytes(&mut random);
    let token = GroupLinkToken::from_bytes(&random).unwrap();
    let link = GroupInvitation {
        token: Secret::new(random),
        group: token.tag_of(&group),
        bundle: bundle.clone(),
    };
    let another = GroupId::of(&owner.public().to_bytes(), &random, "crew");
    let forged = {
        let mut encoded = bundle.encoded().to_vec();
        encoded[40] ^= 1;
        to_uri('G', &[&random[..], &link.group, &encoded].concat())
    };
    let same_bytes = [&random[..], &link.group, bundle.encoded()].concat();
    let case = |name: &str, uri: String, group: &GroupId| -> (String, Value) {
        let input = json!({ "uri": uri, "group": hex(group.as_bytes()) });
        (name.to_owned(), input)
    };
    let address = owner.public().address();
    vec![
        case("for a code", link.to_code(), &group),
        case("with ML-KEM keys", link.to_uri(), &group),
        case("beside another group", link.to_code(), &another),
        case(
            "behind a web page",
            format!("https://example.org/{address}#{}", link.to_code()),
            &group,
        ),
        case(
            "behind a page that names somebody else",
            format!("https://example.org/{other}#{}", link.to_code()),
            &group,
        ),
        case("an invitation", bundle.to_uri(), &group),
        case(
            "the same bytes as an invitation",
            to_uri('B', &same_bytes),
            &group,
        ),
        case("without a bundle", to_uri('G', &[7; 32]), &group),
        case("too short", to_uri('G', &[7; 31]), &group),
        case("of a bundle that was changed", forged, &group),
    ]
}
