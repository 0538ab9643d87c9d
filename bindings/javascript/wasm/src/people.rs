//! Invitations, contacts, devices.

use wasm_bindgen::prelude::*;
use windlass::{Bundle, CodeReader, Profile, find_contact, qr_png, qr_svg};

use crate::client::Client;
use crate::failure::{Answer, answer, thrown};
use crate::given;
use crate::values::{Record, ToJs};

#[wasm_bindgen]
impl Client {
    /// A URI for one person.
    pub fn invitation(&self) -> Answer {
        answer(
            self.client
                .single_use_bundle()
                .map(|bundle| bundle.to_uri()),
        )
    }

    /// URIs for one person each, made in one transaction.
    pub fn invitations(&self, count: u32) -> Answer {
        let bundles = self.client.single_use_bundles(count);
        answer(bundles.map(|bundles| bundles.iter().map(|one| one.to_uri()).collect::<Vec<_>>()))
    }

    /// A link to a web page that brings an invitation for one person.
    #[wasm_bindgen(js_name = invitationLink)]
    pub fn invitation_link(&self, page: String) -> Answer {
        let bundle = self.client.single_use_bundle();
        answer(bundle.map(|bundle| bundle.to_link(page)))
    }

    /// The reusable bundle, as bytes for a transport.
    pub fn bundle(&self) -> Answer {
        answer(self.client.bundle().map(|bundle| bundle.encode()))
    }

    /// A reusable invitation, as a URI for a poster.
    #[wasm_bindgen(js_name = poster)]
    pub fn poster(&self) -> Answer {
        answer(self.client.bundle().map(|bundle| bundle.to_uri()))
    }

    /// Adds whom an invitation is of.
    #[wasm_bindgen(js_name = addContact)]
    pub fn add_contact(&self, invitation: String) -> Answer {
        let bundle = Bundle::from_uri(invitation);
        answer(bundle.and_then(|bundle| self.client.add_contact(&bundle)))
    }

    /// Adds whom a bundle is of.
    #[wasm_bindgen(js_name = addBundle)]
    pub fn add_bundle(&self, bundle: Vec<u8>) -> Answer {
        let bundle = Bundle::decode(bundle.into());
        answer(bundle.and_then(|bundle| self.client.add_contact(&bundle)))
    }

    /// A code to show to somebody in front of us.
    #[wasm_bindgen(js_name = inPersonCode)]
    pub fn in_person_code(&self) -> Answer {
        answer(self.client.in_person_code())
    }

    /// Adds and verifies whose screen was scanned.
    pub fn meet(&self, code: String) -> Answer {
        answer(self.client.meet(code))
    }

    /// All contacts.
    pub fn contacts(&self) -> Answer {
        answer(self.client.contacts())
    }

    /// A page of them, in the order in which they came.
    #[wasm_bindgen(js_name = contactPage)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn contact_page(&self, limit: u32, after: f64) -> Answer {
        answer(self.client.contact_page(limit, after as u64))
    }

    /// The contact of an address.
    pub fn contact(&self, address: String) -> Answer {
        answer(self.client.contact(address))
    }

    /// The user wants to talk with them.
    #[wasm_bindgen(js_name = acceptContact)]
    pub fn accept_contact(&self, address: String) -> Answer {
        answer(self.client.accept_contact(address))
    }

    /// The user does not.
    #[wasm_bindgen(js_name = blockContact)]
    pub fn block_contact(&self, address: String) -> Answer {
        answer(self.client.block_contact(address))
    }

    /// Deletes a contact and the conversation.
    #[wasm_bindgen(js_name = removeContact)]
    pub fn remove_contact(&self, address: String) -> Answer {
        answer(self.client.remove_contact(address))
    }

    /// Deletes a contact, and keeps the conversation.
    #[wasm_bindgen(js_name = removeContactOnly)]
    pub fn remove_contact_only(&self, address: String) -> Answer {
        answer(self.client.remove_contact_only(address))
    }

    /// What we say of ourselves.
    pub fn profile(&self) -> Answer {
        answer(self.client.profile())
    }

    /// Says something of ourselves.
    #[wasm_bindgen(js_name = setProfile)]
    pub fn set_profile(&self, name: String, about: String, picture: Option<Vec<u8>>) -> Answer {
        answer(self.client.set_profile(Profile {
            name,
            about,
            picture: picture.map(Into::into),
        }))
    }

    /// What a contact says of themselves.
    #[wasm_bindgen(js_name = profileOf)]
    pub fn profile_of(&self, address: String) -> Answer {
        answer(self.client.profile_of(address))
    }

    /// By what to show somebody.
    #[wasm_bindgen(js_name = displayName)]
    pub fn display_name(&self, address: String) -> Answer {
        answer(self.client.display_name(address))
    }

    /// To whom anything is sent.
    #[wasm_bindgen(js_name = trustPolicy)]
    pub fn trust_policy(&self) -> Answer {
        answer(self.client.trust_policy())
    }

    /// Sets to whom anything is sent.
    #[wasm_bindgen(js_name = setTrustPolicy)]
    pub fn set_trust_policy(&self, policy: &str) -> Answer {
        answer(self.client.set_trust_policy(given::policy(policy)))
    }

    /// Our contacts are told that we go on as whom this bundle is of; to how many.
    #[wasm_bindgen(js_name = announceIdentity)]
    pub fn announce_identity(&self, bundle: Vec<u8>) -> Answer {
        let bundle = Bundle::decode(bundle.into());
        answer(bundle.and_then(|bundle| self.client.announce_identity(&bundle)))
    }

    /// Whether nothing is sent that is not protected by ML-KEM.
    #[wasm_bindgen(js_name = requiresPostQuantum)]
    pub fn requires_post_quantum(&self) -> Answer {
        answer(self.client.requires_post_quantum())
    }

    /// Sets that.
    #[wasm_bindgen(js_name = setRequiresPostQuantum)]
    pub fn set_requires_post_quantum(&self, requires: bool) -> Answer {
        answer(self.client.set_requires_post_quantum(requires))
    }

    /// The devices of our identity.
    pub fn devices(&self) -> Answer {
        answer(self.client.devices())
    }

    /// Begins to link a new device.
    #[wasm_bindgen(js_name = linkDevice)]
    pub fn link_device(&self, code: String) -> Answer {
        answer(self.client.link_device(code))
    }

    /// What to compare with the new device.
    #[wasm_bindgen(js_name = checkLink)]
    pub fn check_link(&self, reply: String) -> Answer {
        answer(self.client.check_link(reply))
    }

    /// The user has compared.
    #[wasm_bindgen(js_name = confirmLink)]
    pub fn confirm_link(&self) -> Answer {
        answer(self.client.confirm_link())
    }

    /// The device that is being linked.
    #[wasm_bindgen(js_name = pendingLink)]
    pub fn pending_link(&self) -> Answer {
        answer(self.client.pending_link())
    }

    /// Ends it.
    #[wasm_bindgen(js_name = cancelLink)]
    pub fn cancel_link(&self) -> Answer {
        answer(self.client.cancel_link())
    }

    /// Removes another device of ours.
    #[wasm_bindgen(js_name = removeDevice)]
    pub fn remove_device(&self, device_id: u32) -> Answer {
        answer(self.client.remove_device(device_id))
    }
}

/// A QR code as an SVG document.
#[wasm_bindgen(js_name = qrSvg)]
pub fn svg(text: String, dark: bool) -> Answer {
    answer(qr_svg(text, dark))
}

/// A QR code as a PNG file.
#[wasm_bindgen(js_name = qrPng)]
pub fn png(text: String, dark: bool) -> Answer {
    answer(qr_png(text, dark))
}

/// The texts of the codes that a URI is shown as.
#[wasm_bindgen(js_name = qrFrames)]
pub fn qr_frames(uri: String) -> Answer {
    answer(windlass::qr_frames(uri))
}

/// What the texts of codes say together, of which the last one is new: none of those before it was refused.
#[wasm_bindgen(js_name = qrTexts)]
pub fn texts(texts: Vec<String>) -> Answer {
    let reader = CodeReader::new();
    // No text at all is no code.
    let mut read = reader.take(String::new());
    for text in texts {
        read = reader.take(text);
    }
    answer(read)
}

/// The texts of the codes of a picture.
#[wasm_bindgen(js_name = qrCodes)]
pub fn codes(picture: Vec<u8>) -> Answer {
    answer(windlass::qr_read(picture.into()))
}

/// What the QR codes of a picture say.
#[wasm_bindgen(js_name = qrRead)]
pub fn read(picture: Vec<u8>) -> Answer {
    answer(CodeReader::new().take_picture(picture.into()))
}

/// Whom a text invites to write to.
#[wasm_bindgen(js_name = findContact)]
pub fn find(text: String) -> Answer {
    let found = find_contact(text).map_err(thrown)?;
    let bundle = found.bundle.map(|bundle| bundle.encode());
    Ok(Record::new()
        .with("address", found.address)
        .with("bundle", bundle)
        .to_js())
}
