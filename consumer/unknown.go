package consumer

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/logged"
	"github.com/parleygo/parley/internal/meter"
)

// UnknownPolicy says what happens to a layer message that has no handler, or
// whose handler cannot decode it, and to a client's message of a type that has none.
// Such messages are counted in Stats, whatever the policy.
type UnknownPolicy uint8

const (
	// UnknownIgnore is the default: one bad message to a group must not end the
	// connections of all its members. One line a minute is logged.
	UnknownIgnore UnknownPolicy = iota

	// UnknownLog ignores the message and logs a line for each.
	UnknownLog

	// UnknownClose ends the connection as failed, with 1011.
	UnknownClose
)

const logInterval = time.Minute

// unknown deals with a message that nobody handles. It does not wait.
func (c *Conn) unknown(message channel.Message, why error) {
	a := c.app
	a.counters.add(countUnknown)
	if a.options.Unknown == UnknownClose {
		err := fmt.Errorf("%w: %s", ErrUnknownMessage, message.Type())
		c.fail(outcomeOf(err))
		return
	}
	if a.options.Unknown == UnknownLog || a.mayLog() {
		a.warn("parley: layer message without a handler", "type", message.Type(),
			"group", message.Group(), "error", why, "unknown", a.Stats().Unknown)
	}
}

// unsendable counts a message that no client can be sent, such as text that is
// not UTF-8.
func (c *Conn) unsendable(message channel.Message, why error) {
	c.app.counters.add(countUnsendable)
	if c.app.mayLog() {
		c.app.warn("parley: layer message cannot be forwarded", "type", message.Type(), "error", why)
	}
}

func (a *App) warn(text string, fields ...any) {
	logged.Line(a.options.Logger, slog.LevelWarn, text, fields...)
}

// mayLog keeps a mistake that happens for every member of a group from flooding
// the log.
func (a *App) mayLog() bool {
	now := int64(meter.Now())
	last := a.lastLine.Load()
	return (last == 0 || now-last >= int64(logInterval)) && a.lastLine.CompareAndSwap(last, now)
}
