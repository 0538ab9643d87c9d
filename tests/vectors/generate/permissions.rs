//! What admins of a group keep for themselves, and what it is about (RFC windlass 9.6.18, 9.8.1).

use windlass::chat::{GroupAction as Action, GroupPermission as Permission, Picture};

use super::Case;
use super::misread::Story;

pub fn cases() -> Vec<Case> {
    vec![
        details(),
        beside(),
        members_added(),
        leaving(),
        given_twice(),
    ]
}

fn permitted(what: Permission, admins_only: bool) -> Action {
    Action::Permitted { what, admins_only }
}

fn png() -> Action {
    let picture = Picture::from_bytes(b"\x89PNG\r\n\x1a\n and more".to_vec());
    Action::PictureSet(picture.unwrap())
}

fn details() -> Case {
    let mut story = Story::with_admins(1, &[1]);
    story.rename(2, &[6], "of a member who may not");
    story.add(2, &[6], permitted(Permission::ChangeDetails, false));
    let open = story.add(1, &[6], permitted(Permission::ChangeDetails, false));
    let about = Action::Described("Two\nlines ⚓".into());
    let described = story.add(2, &[open], about);
    let shown = story.add(3, &[described], png());
    let invited = story.all(&[5]);
    story.add(3, &[shown], Action::MembersAdded(invited));
    let none = Picture::default();
    let gone = story.add(2, &[shown], Action::PictureSet(none));
    let silent = story.add(0, &[gone], permitted(Permission::Write, true));
    let again = story.add(4, &[silent], png());
    story.add(2, &[again], Action::Described(String::new()));
    story.case("members describe a group where they may, and do nothing else")
}

fn beside() -> Case {
    let mut story = Story::with_admins(1, &[1]);
    let open = story.add(0, &[6], permitted(Permission::ChangeDetails, false));
    let renamed = story.rename(2, &[open], "by a member who may");
    story.add(
        1,
        &[renamed],
        Action::Described("beside it, by an admin".into()),
    );
    let closed = story.add(0, &[renamed], permitted(Permission::ChangeDetails, true));
    story.rename(2, &[renamed], "beside it");
    let on_it = story.rename(3, &[renamed], "beside it, and more on top");
    story.add(4, &[on_it], png());
    story.rename(2, &[closed], "after it");
    story.case("what members change beside the event that takes it from them is void, what admins change is not")
}

fn members_added() -> Case {
    let mut story = Story::with_admins(1, &[1]);
    let open = story.add(0, &[6], permitted(Permission::AddMembers, false));
    let closed = story.add(1, &[open], permitted(Permission::AddMembers, true));
    let invited = story.all(&[5]);
    let added = story.add(3, &[open], Action::MembersAdded(invited));
    story.add(5, &[added], Action::Joined);
    story.add(
        1,
        &[closed, added],
        permitted(Permission::AddMembers, false),
    );
    story.case("whom a member invites beside the event that takes it from them does not belong to the group")
}

fn leaving() -> Case {
    let mut story = Story::with_admins(1, &[1]);
    let open = story.add(0, &[6], permitted(Permission::AddMembers, false));
    let invited = story.all(&[5]);
    let added = story.add(3, &[open], Action::MembersAdded(invited));
    story.add(5, &[added], Action::Joined);
    story.add(3, &[added], Action::Left);
    story.add(2, &[added], Action::Left);
    story.case("who leaves on top of what a permission let them do takes nothing back")
}

fn given_twice() -> Case {
    let mut story = Story::with_admins(1, &[1]);
    let open = story.add(0, &[6], permitted(Permission::ChangeDetails, false));
    story.rename(2, &[open], "beside what gives it again");
    let again = story.add(1, &[open], permitted(Permission::ChangeDetails, false));
    story.add(0, &[again], permitted(Permission::AddMembers, true));
    story.case("an event that gives a permission, or takes another, leaves what is beside it")
}
