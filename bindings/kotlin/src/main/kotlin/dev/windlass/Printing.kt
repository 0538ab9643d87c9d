package dev.windlass

// What is printed, logged or quoted by an exception says who, when and which; never what people wrote, nor what opens anything. The generated
// classes call these (see `xtask`), and compare bytes by what is in them.

internal fun Message.shown(): String =
    "Message(id=$id, conversation=$conversation, author=$author, outgoing=$outgoing, body=$body, replyTo=$replyTo, sentAt=$sentAt, " +
        "deleted=$deleted, edited=$edited, reactions=${reactions.size})"

internal fun Body.shown(): String = when (this) {
    is Body.Text -> "Text(${counted(text)})"
    is Body.Data -> "Data(${data.size} bytes)"
    is Body.Opaque -> "Opaque(${data.size} bytes)"
    else -> this::class.java.simpleName
}

internal fun Event.shown(): String = when (this) {
    is Event.Reacted -> "Reacted(conversation=$conversation, author=$author, messageId=$messageId, by=$by, removed=$removed)"
    is Event.GroupInvitation -> "GroupInvitation(group=$group, by=$by)"
    else -> this::class.java.simpleName
}

internal fun Reaction.shown(): String = "Reaction(by=$by)"

internal fun RichText.shown(): String = "RichText(${counted(text)}, spans=$spans, forward=$forward, preview=$preview)"

internal fun LinkPreview.shown(): String = "LinkPreview(${image?.size ?: 0} bytes of picture)"

internal fun TextRun.shown(): String = "TextRun(${counted(text)}, styles=$styles)"

internal fun AttachmentInfo.shown(): String = "AttachmentInfo(size=$size)"

internal fun GroupChange.shown(): String = "GroupChange(kind=$kind, by=$by, members=$members, permission=$permission, adminsOnly=$adminsOnly)"

internal fun Profile.shown(): String = "Profile(${picture?.size ?: 0} bytes of picture)"

internal fun ConversationSummary.shown(): String = "ConversationSummary(address=$address, group=${groupName != null}, lastActivity=$lastActivity, unread=$unread)"

internal fun ListedConversation.shown(): String = "ListedConversation(address=$address, group=${groupName != null}, lastActivity=$lastActivity, unread=$unread)"

internal fun ChatSettings.shown(): String =
    "ChatSettings(mutedUntil=$mutedUntil, archived=$archived, pinned=$pinned, markedUnread=$markedUnread, nickname=${nickname != null})"

internal fun TypedCommand.shown(): String = "TypedCommand(${words.size} words)"

internal fun CodeProgress.shown(): String = "CodeProgress(have=$have, of=$of)"

internal fun LinkCheck.shown(): String = "LinkCheck(address=$address)"

internal fun InvitationLink.shown(): String = "InvitationLink(id=$id, createdAt=$createdAt, expiresAt=$expiresAt, usesLeft=$usesLeft)"

internal fun PendingLink.shown(): String = "PendingLink(checked=${check != null}, endsAt=$endsAt)"

internal fun PeekedMessage.shown(): String = "PeekedMessage(id=$id, conversation=$conversation, author=$author, body=$body, sentAt=$sentAt, muted=$muted)"

internal fun OutgoingEnvelope.shown(): String = "OutgoingEnvelope(id=$id, to=$to, ${bytes.size} bytes)"

private fun counted(text: String) = "${text.codePointCount(0, text.length)} characters"

internal fun OutgoingEnvelope.sameAs(other: OutgoingEnvelope): Boolean = id == other.id && to == other.to && bytes.contentEquals(other.bytes)

internal fun OutgoingEnvelope.hashed(): Int = 31 * id.hashCode() + bytes.contentHashCode()

internal fun Body.Data.sameAs(other: Body.Data): Boolean = mediaType == other.mediaType && data.contentEquals(other.data)

internal fun Body.Data.hashed(): Int = 31 * mediaType.hashCode() + data.contentHashCode()

internal fun Body.Opaque.sameAs(other: Body.Opaque): Boolean = data.contentEquals(other.data)

internal fun Body.Opaque.hashed(): Int = data.contentHashCode()

internal fun StateChange.sameAs(other: StateChange): Boolean =
    owner == other.owner && name == other.name && before.contentEquals(other.before) && after.contentEquals(other.after)

internal fun StateChange.hashed(): Int = 31 * name.hashCode() + after.contentHashCode()

internal fun StateDocument.sameAs(other: StateDocument): Boolean = name == other.name && document.contentEquals(other.document)

internal fun StateDocument.hashed(): Int = 31 * name.hashCode() + document.contentHashCode()

internal fun Profile.sameAs(other: Profile): Boolean = name == other.name && about == other.about && picture.contentEquals(other.picture)

internal fun Profile.hashed(): Int = 31 * name.hashCode() + picture.contentHashCode()

internal fun LinkPreview.sameAs(other: LinkPreview): Boolean =
    url == other.url && title == other.title && about == other.about && image.contentEquals(other.image)

internal fun LinkPreview.hashed(): Int = 31 * url.hashCode() + image.contentHashCode()
