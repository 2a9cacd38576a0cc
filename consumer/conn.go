package consumer

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/lifetime"
)

// Conn is a consumer's client, by whatever transport it has come. Its methods
// may be called from any goroutine until Disconnect has returned.
type Conn struct {
	app     *App
	scope   *parley.Scope
	conn    parley.Conn
	offerer parley.Offerer // nil where there is none
	value   any            // the consumer

	// Hooks get ctx, which ends with the connection and also when a kick or a
	// failing handler ends it from another goroutine. It is kept because layer
	// messages are handled without the goroutine that Serve runs on. Its cause is
	// the one that everybody is told.
	ctx  context.Context
	life lifetime.Context // the same, or what the executor's is below

	serial   sync.Mutex // held while a hook or handler runs
	mail     mailbox
	kept     *keptGroups  // or nil; guarded by mu
	queues   *queues      // nil for one message at a time
	giveBack func() error // what the executor has begun; may be nil

	failed atomic.Pointer[outcome] // what ended it from another goroutine

	mu       sync.Mutex // never held while anything waits
	opening  *opening   // until the client is accepted
	accepted bool
	over     bool           // Serve is returning
	returned bool           // in order; its goroutine's own
	inbox    *channel.Inbox // once Connect has accepted, with a layer
}

// opening is what a Conn needs until its client is accepted.
type opening struct {
	answer parley.Event // to the handshake
	wanted []wish       // of Connect
}

func (a *App) newConn(ctx context.Context, scope *parley.Scope, conn parley.Conn) *Conn {
	a.counters.add(countOpened)
	c := &Conn{
		app: a, scope: scope, conn: conn, opening: new(opening), life: lifetime.Of(ctx),
	}
	c.ctx = &c.life
	c.offerer, _ = parley.OffererOf(conn)
	c.mail.hold()
	return c
}

// Scope returns what is known of the connection: its request, captured path
// values, offered subprotocols. It is read-only. Its Protocol is
// parley.WebSocket for clients of all kinds.
func (c *Conn) Scope() *parley.Scope { return c.scope }

// Layer returns the App's channel layer, or nil.
func (c *Conn) Layer() *channel.Layer { return c.app.options.Layer }

// Name returns the name by which a single message reaches this connection, with
// Layer().Send. It is "" in Connect and without a layer.
func (c *Conn) Name() channel.Name {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inbox == nil {
		return ""
	}
	return c.inbox.Name()
}

// Send sends one message; see parley.Text and parley.Binary. It returns when the
// transport has taken it: a client that reads slowly makes it wait.
func (c *Conn) Send(ctx context.Context, message parley.WebSocketSend) error {
	return parley.SendMessage(ctx, c.conn, message)
}

// SendText sends a text message without a copy of text, which must be valid UTF-8.
func (c *Conn) SendText(ctx context.Context, text string) error {
	return parley.SendMessage(ctx, c.conn, parley.WebSocketSend{Data: bytesOf(text)})
}

// SendValue sends a value, encoded with Options.Codec.
func (c *Conn) SendValue(ctx context.Context, value any) error {
	data, err := c.app.options.Codec.Marshal(value)
	if err != nil {
		return err
	}
	return parley.SendMessage(ctx, c.conn, parley.WebSocketSend{
		Type: c.app.options.Codec.Type, Data: data})
}

// Close ends the connection with code (zero means 1000) and reason, behind what
// was sent before. ctx of the hooks ends at once.
func (c *Conn) Close(ctx context.Context, code parley.CloseCode, reason string) error {
	return c.conn.Send(ctx, parley.WebSocketClose{Code: code, Reason: reason})
}
