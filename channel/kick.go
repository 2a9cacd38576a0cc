package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// Kick closes an inbox at once, however full it is. It is the way to end somebody
// else's conversation: parley.ErrAuthExpired closes a socket with 4401, a
// *parley.CloseError with the code and the reason that were chosen for the client,
// nil with 1000. Receive and OnClose get an error that is ErrClosed, matches cause
// and has its close code, but never matches parley.ErrDisconnected: it is not the
// peer that has gone.
//
// To an inbox of another process go the close code, the reason of a CloseError,
// and which of package parley's causes it was; these are matched there too. The
// text of any other error is not for others, perhaps for a client, to read: it is
// logged here.
//
// The error is a *NameError, ErrNoInbox, or that of a transport.
func (l *Layer) Kick(ctx context.Context, name Name, cause error) error {
	if err := name.check(); err != nil {
		return err
	}
	if err := l.admits(ctx); err != nil {
		return err
	}
	if l.remote(name) {
		return l.publishTo(ctx, name, l.kick(kindKick, string(name), cause))
	}
	in := l.inbox(name)
	if in == nil {
		return ErrNoInbox
	}
	in.shut(kicked(cause))
	return nil
}

// KickGroup kicks every inbox of a group, as Kick does, and returns how many
// there were on this layer.
func (l *Layer) KickGroup(
	ctx context.Context, group Group, cause error,
) (count int, err error) {
	if err := group.check(); err != nil {
		return 0, err
	}
	if err := l.admits(ctx); err != nil {
		return 0, err
	}
	if l.wire != nil {
		defer func() {
			err = l.publish(ctx, l.wire.group(group), l.kick(kindGroupKick, string(group), cause))
		}()
	}
	return l.groupKick(group, cause), nil
}

func (l *Layer) groupKick(group Group, cause error) int {
	members := l.shardOf(string(group)).snapshot(group)
	cause = kicked(cause)
	each(len(members), func(i int) { members[i].shut(cause) }, func(int, error) {})
	return len(members)
}

// kickError is the cause of an inbox that was kicked. It matches what cause does,
// except that a *parley.CloseError among it does not tell of the peer.
type kickError struct{ cause error }

func kicked(cause error) error {
	if cause == nil {
		cause = &parley.CloseError{Code: parley.CloseNormal}
	}
	return &kickError{cause}
}

func (k *kickError) Error() string      { return k.cause.Error() }
func (k *kickError) As(target any) bool { return errors.As(k.cause, target) }

func (k *kickError) Is(target error) bool {
	return target != parley.ErrDisconnected && errors.Is(k.cause, target)
}

// causes are those that other processes know too. Their places are what travels:
// new ones come last.
var causes = [...]error{
	parley.ErrSlowConsumer, parley.ErrDraining, parley.ErrIdle, parley.ErrAuthExpired,
	parley.ErrTooLarge, parley.ErrRateLimited, parley.ErrOverloaded, parley.ErrAppPanic,
	parley.ErrInvalidPayload, parley.ErrUnsupportedData, parley.ErrPeerProtocol,
	parley.ErrTooOld, parley.ErrFinished, parley.ErrGoexit, parley.ErrKicked,
}

// kickHead is what stands before the reason in the payload of a kick: a close code
// of two bytes, and the number of a cause, counted from 1.
const kickHead = 3

// kick makes the envelope that ends inboxes elsewhere.
func (l *Layer) kick(kind byte, target string, cause error) envelope {
	code, number, reason := parley.CodeOf(cause), 0, ""
	for i := range causes {
		if errors.Is(cause, causes[i]) {
			number = i + 1
			break
		}
	}
	var chosen *parley.CloseError
	if errors.As(cause, &chosen) {
		reason = protocol.CutReason(chosen.Reason)
	}
	if cause != nil && cause != error(chosen) && (number == 0 || cause != causes[number-1]) {
		l.options.logger().LogAttrs(context.Background(), slog.LevelInfo, "channel: kick",
			slog.String("target", target), slog.Int("code", int(code)), slog.Any("error", cause))
	}
	payload := append([]byte{byte(code >> 8), byte(code), byte(number)}, reason...)
	return envelope{kind: kind, target: target, message: NewMessage("kick", payload)}
}

// goodKick reports whether payload has a head, and a reason that fits into a close
// frame.
func goodKick(payload []byte) bool {
	if len(payload) < kickHead {
		return false
	}
	reason := string(payload[kickHead:])
	return reason == protocol.CutReason(reason)
}

// cause returns what a kick from another process closes inboxes with.
func (e *envelope) cause() error {
	payload := e.message.Payload()
	chosen := &parley.CloseError{
		Code:   parley.CloseCode(payload[0])<<8 | parley.CloseCode(payload[1]),
		Reason: string(payload[kickHead:]),
	}
	number := int(payload[2])
	if number == 0 || number > len(causes) { // unknown, perhaps of a newer version
		return chosen
	}
	known := causes[number-1]
	if chosen.Reason == "" && chosen.Code == parley.CodeOf(known) {
		return known
	}
	return fmt.Errorf("%w: %w", chosen, known)
}
