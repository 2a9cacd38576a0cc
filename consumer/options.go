package consumer

import (
	"log/slog"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// Option is Options, of which New takes one, or a handler made by Receive, On or
// Forward.
type Option interface{ configure(*config) }

// Options of an App. The zero value is one without a channel layer.
type Options struct {
	// Layer brings messages of other connections and of the program. Without
	// one Join returns ErrNoLayer.
	Layer *channel.Layer

	// Groups are joined by every client as soon as it is accepted.
	Groups []channel.Group

	// Policy is for messages of the layer that find no room: the client reads
	// too slowly, or its handlers are too slow. Default channel.CloseSlow, which
	// closes the connection with 1013. DropNewest drops the message, as Block
	// does. DropOldest and Coalesce let messages wait behind a socket that is
	// full, in the Capacity below, and drop or replace the oldest of those. None drops
	// what the layer says of itself: of who comes and goes a client is told who is
	// there, of messages of a history that were dropped that there is a gap, and what
	// waits of other notices is made into few.
	Policy channel.Policy

	// Key gives a message's key for Coalesce, but not of what the layer says of
	// itself. Default: the message's type.
	Key func(channel.Message) string

	// Capacity bounds the messages of the layer that wait for this consumer,
	// beside what waits in its socket. Default 256 messages and 1 MiB; negative
	// means no limit.
	Capacity channel.Capacity

	// Unknown is for messages of the layer without a handler, or which cannot
	// be decoded. Default UnknownIgnore.
	Unknown UnknownPolicy

	// UnknownType is for messages of the client whose type has no handler, where
	// there are handlers made by ReceiveType or AnswerType. With UnknownClose the
	// client is closed with 1008. A request is answered with an error instead.
	// Default UnknownIgnore.
	UnknownType UnknownPolicy

	// Codec encodes and decodes values. Default: encoding/json, in text.
	Codec Codec

	// Concurrency lets up to so many messages of one client be handled at the
	// same time, each on a goroutine of its own. Default 1. Layer messages are
	// handled one at a time beside them. Everything else stays serial. Reading
	// pauses while 1 MiB of the client's messages, or 16 of one queue, wait.
	Concurrency int

	// Lend lends the client's messages to the hooks and handlers: their bytes are
	// theirs until they return, and no longer. So is the text that ReceiveText gets,
	// although it is a string: strings.Clone keeps it. That spares an allocation of
	// each message's size, which matters from some KiB on. It has no effect where
	// Concurrency is greater than 1. Default: the bytes are the consumer's for ever.
	Lend bool

	// OrderBy gives a message's ordering key where Concurrency is greater than
	// 1: messages with the same key are handled one after the other, in their
	// order. Messages with the key "" have no order. Default: no order. It is
	// called on one goroutine.
	OrderBy func(parley.WebSocketReceive) string

	// Executor runs hooks and handlers that block a thread: bridge.OnPool or
	// bridge.OnThread makes one. If it has no capacity, handshakes are answered
	// with 503 and open connections closed with 1013. Default: they run on
	// goroutines.
	Executor Executor

	// RequestTimeout bounds the handling of a message that asks for an answer: when
	// it is up the handler's context ends, and the client is told. Default 10 s;
	// negative means no limit.
	RequestTimeout time.Duration

	// DisconnectTimeout bounds the context of Disconnect. Default 10 s; negative
	// means no limit.
	DisconnectTimeout time.Duration

	// Logger is told of messages nobody handles and of what goes wrong where
	// no adapter sees it. Default slog.Default().
	Logger *slog.Logger
}
