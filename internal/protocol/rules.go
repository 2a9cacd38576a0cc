package protocol

import (
	"fmt"
	"reflect"

	"github.com/parleygo/parley"
)

// Rule is something that an app may not do. Nothing of an event that breaks a rule
// reaches the wire, unless Outcome says so.
type Rule struct {
	ID      string // as it stands in a *parley.ProtocolError
	State   string // where the conversation stands, in words
	Event   string // what the app sends
	Err     error  // the condition that the error wraps
	Outcome string // what becomes of the conversation, if it does not stay as it was
}

func (r *Rule) refuse(state string, event parley.Event) error {
	refused := &parley.ProtocolError{State: state, Rule: r.ID, Err: r.Err}
	switch value := reflect.ValueOf(event); value.Kind() {
	case reflect.Invalid:
		refused.Event = "no event"
	case reflect.Pointer: // it has the methods of an event, and may be nil
		refused.Event = value.Type().String()
		refused.Err = fmt.Errorf("%w: pass events by value", r.Err)
	default:
		refused.Event = event.EventType()
	}
	return refused
}

// What holds for every protocol.
var (
	unknownEvent = Rule{
		ID: "A1.5", State: "any", Event: "one of another protocol, or of no protocol",
		Err: parley.ErrUnexpectedEvent}
	unavailable = Rule{
		ID: "A9.unavailable", State: "any",
		Event: "one whose extension the server did not announce",
		Err:   parley.ErrExtensionUnavailable}
	invalidHeader = Rule{
		ID: "A4.header", State: "any",
		Event: "one with a header whose name is no token, or whose value could end its line",
		Err:   parley.ErrInvalidHeader}
)

// The rules of a response.
var (
	bodyBeforeStart = Rule{
		ID: "A4.body-before-start", State: "idle",
		Event: "a part of the body, or a file in its place",
		Err:   parley.ErrBodyBeforeStart}
	startTwice = Rule{
		ID: "A4.start-twice", State: "started", Event: "another head",
		Err: parley.ErrAlreadyStarted}
	afterComplete = Rule{
		ID: "A4.after-complete", State: "complete", Event: "anything",
		Err: parley.ErrResponseComplete}
	statusOutOfRange = Rule{
		ID: "A4.status", State: "idle", Event: "a head whose status is not 200 to 599",
		Err: parley.ErrInvalidStatus}
	badLength = Rule{
		ID: "A4.content-length", State: "idle",
		Event: "a head whose Content-Length is no number, or given twice",
		Err:   parley.ErrInvalidHeader}
	longBody = Rule{
		ID: "A4.long-body", State: "started", Event: "more than the Content-Length announced",
		Err: parley.ErrLongBody, Outcome: "what was announced goes out, then the connection is cut"}
	shortBody = Rule{
		ID: "A4.short-body", State: "started",
		Event: "the end, before the Content-Length announced",
		Err:   parley.ErrShortBody, Outcome: "the connection is cut"}
	pathSendMixed = Rule{
		ID: "A9.pathsend-mixed", State: "started",
		Event: "a file by its path beside other parts of the body",
		Err:   parley.ErrUnexpectedEvent}
	strayTrailers = Rule{
		ID: "A9.trailers", State: "idle, started",
		Event: "trailers that were not announced, or before the end of the body",
		Err:   parley.ErrUnexpectedEvent}
	lateHint = Rule{
		ID: "A9.early-hint", State: "started", Event: "an early hint",
		Err: parley.ErrAlreadyStarted}
	strayDebug = Rule{
		ID: "A9.debug", State: "started, or after the first", Event: "debug information",
		Err: parley.ErrUnexpectedEvent}
)

// The rules of a socket.
var (
	sendBeforeAccept = Rule{
		ID: "A7.send-before-accept", State: "connecting", Event: "a message",
		Err: parley.ErrNotAccepted}
	sendAfterClose = Rule{
		ID: "A7.send-after-close", State: "closed, denied",
		Event: "anything but the same close again",
		Err:   parley.ErrClosed}
	acceptTwice = Rule{
		ID: "A7.accept-twice", State: "open", Event: "another answer to the handshake",
		Err: parley.ErrAlreadyAccepted}
	denyTwice = Rule{
		ID: "A7.deny-twice", State: "denying", Event: "another answer to the handshake",
		Err: parley.ErrAlreadyStarted}
	longDenial = Rule{
		ID: "A7.long-denial", State: "denying",
		Event: "a part of a denial beyond the Content-Length announced",
		Err:   parley.ErrLongBody, Outcome: "the connection is cut when the app has returned"}
	shortDenial = Rule{
		ID: "A7.short-denial", State: "denying",
		Event: "the end of a denial, before the Content-Length announced",
		Err:   parley.ErrShortBody, Outcome: "the connection is cut when the app has returned"}
	subprotocolNotOffered = Rule{
		ID: "A7.subprotocol-not-offered", State: "connecting",
		Event: "an accept with a subprotocol that the client did not offer",
		Err:   parley.ErrSubprotocolNotOffered}
	reservedHeader = Rule{
		ID: "A7.reserved-header", State: "connecting",
		Event: "an accept with a header of the handshake's own",
		Err:   parley.ErrReservedHeader}
	invalidText = Rule{
		ID: "A7.invalid-text", State: "open", Event: "a text message that is not UTF-8",
		Err: parley.ErrInvalidText}
	closeCode = Rule{
		ID: "A7.close-code", State: "open",
		Event: "a close whose code may not stand in a close frame",
		Err:   parley.ErrInvalidCloseCode}
	denyStatus = Rule{
		ID: "A7.deny-status", State: "connecting", Event: "a denial whose status is not 200 to 599",
		Err: parley.ErrInvalidStatus}
)

// lifespanOrder is the rule of a process lifetime.
var lifespanOrder = Rule{
	ID: "A8.order", State: "any", Event: "an answer that was not asked for",
	Err: parley.ErrUnexpectedEvent}

// channelSend is the rule of a message from a channel.
var channelSend = Rule{
	ID: "B8.send", State: "receiving", Event: "anything: nobody listens",
	Err: parley.ErrUnexpectedEvent}

// RefuseOnChannel refuses what an app sends in a conversation about one message
// of a channel.
func RefuseOnChannel(event parley.Event) error {
	return channelSend.refuse(channelSend.State, event)
}

// Rules returns the rules of every protocol, in the order in which they are
// published.
func Rules() []Rule {
	return []Rule{
		unknownEvent, unavailable, invalidHeader,
		bodyBeforeStart, startTwice, afterComplete, statusOutOfRange, badLength, longBody, shortBody,
		pathSendMixed, strayTrailers, lateHint, strayDebug,
		sendBeforeAccept, sendAfterClose, acceptTwice, denyTwice, longDenial, shortDenial,
		subprotocolNotOffered, reservedHeader, invalidText, closeCode, denyStatus,
		lifespanOrder, channelSend,
	}
}
