package channel

import (
	"context"
	"errors"

	"github.com/parleygo/parley"
)

// Kick closes an inbox at once, however full it is: Receive and OnClose get an
// error that is ErrClosed and wraps cause. It is the way to end somebody else's
// conversation; parley.ErrAuthExpired closes a socket with 4401. For an inbox of
// another process cause becomes a *parley.CloseError with the code of cause. The
// error is a *NameError, ErrNoInbox, or that of a transport.
func (l *Layer) Kick(ctx context.Context, name Name, cause error) error {
	if err := name.check(); err != nil {
		return err
	}
	if err := l.admits(ctx); err != nil {
		return err
	}
	if l.remote(name) {
		return l.publishTo(ctx, name, kick(kindKick, string(name), cause))
	}
	in := l.inbox(name)
	if in == nil {
		return ErrNoInbox
	}
	in.shut(cause)
	return nil
}

// KickGroup kicks every inbox of a group, as Kick does, and returns how many
// there were on this layer.
func (l *Layer) KickGroup(ctx context.Context, group Group, cause error) (int, error) {
	if err := group.check(); err != nil {
		return 0, err
	}
	if err := l.admits(ctx); err != nil {
		return 0, err
	}
	kicked := l.groupKick(group, cause)
	if l.wire == nil {
		return kicked, nil
	}
	return kicked, l.publish(ctx, l.wire.group(group), kick(kindGroupKick, string(group), cause))
}

func (l *Layer) groupKick(group Group, cause error) int {
	members := l.shardOf(string(group)).snapshot(group)
	for _, in := range members {
		in.shut(cause)
	}
	return len(members)
}

// kick makes the envelope that ends inboxes elsewhere. An error cannot travel;
// its close code and its text can, where they fit into a close frame.
func kick(kind byte, target string, cause error) envelope {
	code, reason := parley.CodeOf(cause), ""
	var closeError *parley.CloseError
	switch {
	case errors.As(cause, &closeError):
		reason = closeError.Reason
	case cause != nil:
		reason = cause.Error()
	}
	payload := append([]byte{byte(code >> 8), byte(code)}, reason...)
	return envelope{kind: kind, target: target, message: NewMessage("kick", payload)}
}

func (e *envelope) cause() error {
	payload := e.message.Payload()
	code := parley.CloseCode(payload[0])<<8 | parley.CloseCode(payload[1])
	return &parley.CloseError{Code: code, Reason: string(payload[2:])}
}
