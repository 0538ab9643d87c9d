import Foundation
import Windlass
import XCTest

final class GroupTests: PeopleTestCase {
    /// Carries everything that waits to whom it is for, until nothing waits any more.
    private func exchange(_ clients: [Client]) throws {
        var moved = true
        while moved {
            moved = false
            for from in clients {
                for envelope in try from.outbox() {
                    moved = true
                    for to in clients where to.address() == envelope.to {
                        _ = try to.receive(envelope: envelope.bytes)
                    }
                    try from.markSent(ids: [envelope.id])
                }
            }
        }
    }

    func testAGroupThatIsDeletedIsLeftAndNothingOfItStays() throws {
        let (alice, bob) = (try open("alice"), try open("bob"))
        _ = try alice.addContact(bundle: bob.bundle())
        _ = try bob.addContact(bundle: alice.bundle())
        let group = try alice.createGroup(name: "Crew", members: [bob.address()])
        try exchange([alice, bob])
        let theirs = try bob.conversation(address: group.address())
        try theirs.join()
        _ = try theirs.send(text: "ahoy")
        try exchange([alice, bob])
        try theirs.deleteGroup()
        try exchange([alice, bob])
        XCTAssertFalse(try bob.conversations().contains { $0.address == group.address() })
        XCTAssertEqual(failure(try theirs.members())?.code, "unknown_group")
        XCTAssertEqual(try group.members().map(\.address), [alice.address()])
    }

    func testWhoIsMetInAGroupIsIntroducedAndNoAcceptedContact() throws {
        let (alice, bob, carol) = (try open("alice"), try open("bob"), try open("carol"))
        for other in [bob, carol] {
            _ = try alice.addContact(bundle: other.bundle())
            _ = try other.addContact(bundle: alice.bundle())
        }
        let group = try alice.createGroup(name: "Crew", members: [bob.address(), carol.address()])
        try exchange([alice, bob, carol])
        let theirs = try bob.conversation(address: group.address())
        try theirs.join()
        try exchange([alice, bob, carol])
        let met = try XCTUnwrap(bob.contacts().first { $0.address == carol.address() })
        XCTAssertTrue(met.introduced)
        XCTAssertFalse(met.accepted)
        try theirs.leave()
        XCTAssertFalse(try bob.contacts().contains { $0.address == carol.address() && $0.introduced })
    }

    func testAViewThatIsIncompleteIsToldWithoutAnybodyWritingAndWhenItIsWholeAgain() throws {
        let world = Simulation(seed: 1)
        let (carol, alice, bob) = (try world.addPerson(), try world.addPerson(), try world.addPerson())
        for one in [alice, bob] { try world.introduce(a: carol, b: one) }
        let others = try [alice, bob].map { try world.client(person: $0, device: 0) }
        let group = try world.client(person: carol, device: 0).createGroup(name: "Crew", members: others.map { $0.address() })
        _ = try world.run()
        for other in others { try other.conversation(address: group.address()).join() }
        _ = try world.run()
        world.setFaults(faults: Faults(drop: 1000, duplicate: 0, delay: 0, crash: 0))
        try group.removeMembers(addresses: [others[1].address()])
        _ = try world.run()
        world.setFaults(faults: Faults(drop: 0, duplicate: 0, delay: 0, crash: 0))
        _ = try group.send(text: "she is out")
        _ = try world.run()
        try world.advance(time: 660)
        var told: [Bool] = []
        for delivery in try world.run() where delivery.person == alice {
            for case let .groupIncomplete(address, resolved) in delivery.events {
                XCTAssertEqual(address, group.address())
                told.append(resolved)
            }
        }
        XCTAssertEqual(told, [false, true])
    }
}
