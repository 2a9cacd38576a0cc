package redis

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/parleygo/parley/channel"
	"github.com/redis/rueidis"
)

// A log is a stream, whose entries' IDs are their offsets, and a hash that says how far
// it has come. A script does all that belongs together, by the server's clock.
//
// The epoch ends with the life of a server, whatever of the log may have survived: the
// last entries may not have, and an offset must never mean two things.
var (
	//go:embed clock.lua
	clockLua string
	//go:embed log.lua
	logLua string
	//go:embed append.lua
	appendLua string
	//go:embed since.lua
	sinceLua string

	appendScript = rueidis.NewLuaScript(clockLua + logLua + appendLua)
	sinceScript  = rueidis.NewLuaScript(clockLua + logLua + sinceLua)
)

var errAnswer = errors.New("the answer is not understood")

func (t *Transport) logKeys(subject string) []string {
	return []string{t.names.of(kept, subject), t.names.of(ledger, subject)}
}

// Append implements channel.Log.
func (t *Transport) Append(
	ctx context.Context, subject string, payload []byte, keep channel.Keep,
) (channel.Position, error) {
	if err := t.admits(ctx); err != nil {
		return channel.Position{}, err
	}
	answer, err := appendScript.Exec(ctx, t.client, t.logKeys(subject), []string{
		rand.Text(), rueidis.BinaryString(payload), strconv.Itoa(keep.Messages),
		milliseconds(keep.Age), strconv.Itoa(keep.Bytes), t.publishWord(),
	}).ToString()
	if err != nil {
		return channel.Position{}, t.failed(ctx, "append", err)
	}
	position, err := channel.ParsePosition(answer)
	return position, t.failed(ctx, "append", err)
}

// Follow implements channel.Log.
func (t *Transport) Follow(
	ctx context.Context, subject string, deliver func(channel.Entry),
) (channel.Subscription, error) {
	return t.subscribe(ctx, kept, subject, func(message []byte) {
		if entry, ok := readEntry(message); ok {
			deliver(entry)
		} else {
			t.foreign()
		}
	})
}

func (t *Transport) foreign() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Foreign++
}

// readEntry reads what the script publishes: a position, a space, and the payload.
func readEntry(message []byte) (channel.Entry, bool) {
	head, payload, found := strings.Cut(rueidis.BinaryString(message), " ")
	position, err := channel.ParsePosition(head)
	if !found || err != nil || position.Offset == 0 {
		return channel.Entry{}, false
	}
	position.Epoch = strings.Clone(position.Epoch) // it may be kept for longer than the payload
	return entryAt(position, payload), true
}

// entryAt makes an entry: offsets follow one another here.
func entryAt(position channel.Position, payload string) channel.Entry {
	return channel.Entry{
		Position: position, Previous: position.Offset - 1, Payload: bytesOf(payload)}
}

// Since implements channel.Log.
func (t *Transport) Since(
	ctx context.Context, subject string, after channel.Position, limit int,
) (channel.Past, error) {
	if err := t.admits(ctx); err != nil {
		return channel.Past{}, err
	}
	answer, err := sinceScript.Exec(ctx, t.client, t.logKeys(subject), []string{
		after.Epoch, strconv.FormatUint(after.Offset, 10), strconv.Itoa(max(limit, 0)),
	}).ToArray()
	if err != nil {
		return channel.Past{}, t.failed(ctx, "read log", err)
	}
	past, err := readPast(answer)
	return past, t.failed(ctx, "read log", err)
}

// readPast reads what the script returns: epoch, first, last, and entries as XRANGE has
// them.
func readPast(answer []rueidis.RedisMessage) (past channel.Past, err error) {
	if len(answer) != 4 {
		return past, errAnswer
	}
	epoch, err1 := answer[0].ToString()
	first, err2 := answer[1].AsUint64()
	last, err3 := answer[2].AsUint64()
	entries, err4 := answer[3].AsXRangeSlices()
	if err = errors.Join(err1, err2, err3, err4); err != nil {
		return past, fmt.Errorf("%w: %w", errAnswer, err)
	}
	past = channel.Past{Epoch: epoch, First: first, Last: last}
	for _, one := range entries {
		digits, _, _ := strings.Cut(one.ID, "-")
		var offset uint64
		if offset, err = strconv.ParseUint(digits, 10, 64); err != nil ||
			len(one.FieldValues) != 1 {
			return past, errAnswer
		}
		position := channel.Position{Epoch: epoch, Offset: offset}
		past.Entries = append(past.Entries, entryAt(position, one.FieldValues[0].Value))
	}
	return past, nil
}
