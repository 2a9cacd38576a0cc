package main

import (
	"github.com/parleygo/parley"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/server"
	"github.com/parleygo/parley/sse"
	"github.com/parleygo/parley/stateless"
	"github.com/parleygo/parley/worker"
)

// sentinel is an exported error. kind names the error of the root package that it
// also is, or "".
type sentinel struct {
	name string
	err  error
	kind string
}

// sentinels are all of them; a test holds the list to the code.
var sentinels = []sentinel{
	{"parley.ErrTooLarge", parley.ErrTooLarge, ""},
	{"parley.ErrOverloaded", parley.ErrOverloaded, ""},
	{"parley.ErrSlowConsumer", parley.ErrSlowConsumer, ""},
	{"parley.ErrDraining", parley.ErrDraining, ""},
	{"parley.ErrIdle", parley.ErrIdle, ""},
	{"parley.ErrAuthExpired", parley.ErrAuthExpired, ""},
	{"parley.ErrRateLimited", parley.ErrRateLimited, ""},
	{"parley.ErrAppPanic", parley.ErrAppPanic, ""},
	{"parley.ErrGoexit", parley.ErrGoexit, ""},
	{"parley.ErrInvalidPayload", parley.ErrInvalidPayload, ""},
	{"parley.ErrPeerProtocol", parley.ErrPeerProtocol, ""},
	{"parley.ErrTooOld", parley.ErrTooOld, ""},
	{"parley.ErrKicked", parley.ErrKicked, ""},
	{"parley.ErrFinished", parley.ErrFinished, ""},
	{"parley.ErrUnsupportedData", parley.ErrUnsupportedData, ""},
	{"parley.ErrDisconnected", parley.ErrDisconnected, "net.ErrClosed"},
	{"parley.ErrClosed", parley.ErrClosed, "net.ErrClosed"},
	{"parley.ErrBodyBeforeStart", parley.ErrBodyBeforeStart, ""},
	{"parley.ErrAlreadyStarted", parley.ErrAlreadyStarted, ""},
	{"parley.ErrResponseComplete", parley.ErrResponseComplete, ""},
	{"parley.ErrShortBody", parley.ErrShortBody, ""},
	{"parley.ErrLongBody", parley.ErrLongBody, ""},
	{"parley.ErrInvalidHeader", parley.ErrInvalidHeader, ""},
	{"parley.ErrInvalidStatus", parley.ErrInvalidStatus, ""},
	{"parley.ErrNotAccepted", parley.ErrNotAccepted, ""},
	{"parley.ErrAlreadyAccepted", parley.ErrAlreadyAccepted, ""},
	{"parley.ErrSubprotocolNotOffered", parley.ErrSubprotocolNotOffered, ""},
	{"parley.ErrReservedHeader", parley.ErrReservedHeader, ""},
	{"parley.ErrInvalidCloseCode", parley.ErrInvalidCloseCode, ""},
	{"parley.ErrInvalidText", parley.ErrInvalidText, ""},
	{"parley.ErrUnexpectedEvent", parley.ErrUnexpectedEvent, ""},
	{"parley.ErrNotAnswered", parley.ErrNotAnswered, ""},
	{"parley.ErrIncomplete", parley.ErrIncomplete, ""},
	{"parley.ErrNotFound", parley.ErrNotFound, ""},
	{"parley.ErrExtensionUnavailable", parley.ErrExtensionUnavailable, "errors.ErrUnsupported"},
	{"parley.ErrFull", parley.ErrFull, ""},
	{"parley.ErrNoState", parley.ErrNoState, ""},
	{"auth.ErrAnonymous", auth.ErrAnonymous, ""},
	{"auth.ErrNoMiddleware", auth.ErrNoMiddleware, ""},
	{"auth.ErrUnavailable", auth.ErrUnavailable, "parley.ErrOverloaded"},
	{"auth.ErrOtherUser", auth.ErrOtherUser, ""},
	{"auth.ErrNoSession", auth.ErrNoSession, ""},
	{"auth.ErrSessionGone", auth.ErrSessionGone, ""},
	{"auth.ErrTooLate", auth.ErrTooLate, ""},
	{"bridge.ErrClosed", bridge.ErrClosed, "parley.ErrClosed"},
	{"bridge.ErrQueueFull", bridge.ErrQueueFull, "parley.ErrOverloaded"},
	{"bridge.ErrNoThread", bridge.ErrNoThread, "parley.ErrOverloaded"},
	{"bridge.ErrNoLane", bridge.ErrNoLane, ""},
	{"bridge.ErrLaneLost", bridge.ErrLaneLost, ""},
	{"bridge.ErrAffinity", bridge.ErrAffinity, ""},
	{"bridge.ErrDeadlock", bridge.ErrDeadlock, ""},
	{"bridge.ErrTooDeep", bridge.ErrTooDeep, ""},
	{"bridge.ErrNoStore", bridge.ErrNoStore, ""},
	{"bridge.ErrQueueTimeout", bridge.ErrQueueTimeout, "context.DeadlineExceeded"},
	{"bridge.ErrRunTimeout", bridge.ErrRunTimeout, "context.DeadlineExceeded"},
	{"channel.ErrFull", channel.ErrFull, "parley.ErrFull"},
	{"channel.ErrNoInbox", channel.ErrNoInbox, ""},
	{"channel.ErrTooLarge", channel.ErrTooLarge, "parley.ErrTooLarge"},
	{"channel.ErrName", channel.ErrName, ""},
	{"channel.ErrTaken", channel.ErrTaken, ""},
	{"channel.ErrForeign", channel.ErrForeign, ""},
	{"channel.ErrPosition", channel.ErrPosition, ""},
	{"channel.ErrNoLease", channel.ErrNoLease, ""},
	{"channel.ErrNotHeld", channel.ErrNotHeld, ""},
	{"channel.ErrClosed", channel.ErrClosed, "parley.ErrClosed"},
	{"consumer.ErrStop", consumer.ErrStop, ""},
	{"consumer.ErrDenied", consumer.ErrDenied, ""},
	{"consumer.ErrNoLayer", consumer.ErrNoLayer, ""},
	{"consumer.ErrUnknownType", consumer.ErrUnknownType, ""},
	{"consumer.ErrRequestTimeout", consumer.ErrRequestTimeout, "context.DeadlineExceeded"},
	{"consumer.ErrUnknownMessage", consumer.ErrUnknownMessage, ""},
	{"middleware.ErrTimeout", middleware.ErrTimeout, "context.DeadlineExceeded"},
	{"router.ErrNoRoute", router.ErrNoRoute, ""},
	{"server.ErrAborted", server.ErrAborted, ""},
	{"sse.ErrInvalidEvent", sse.ErrInvalidEvent, ""},
	{"stateless.ErrEvicted", stateless.ErrEvicted, "parley.ErrOverloaded"},
	{"stateless.ErrFull", stateless.ErrFull, "parley.ErrFull"},
	{"stateless.ErrClosed", stateless.ErrClosed, "parley.ErrClosed"},
	{"worker.ErrReject", worker.ErrReject, ""},
	{"worker.ErrNeverEnded", worker.ErrNeverEnded, ""},
}
