package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/parleygo/parley/channel"
)

// A client that comes back names, in its handshake's query, the groups that it was in
// and the positions that it has heard, as one JSON object:
//
//	parley-resume={"room.1":"x3k:17"}
//
// That lets nobody in anywhere. When the consumer joins such a group, and only then,
// the client is sent what it has missed, or is told of a gap. Of other kept groups it
// is told where they are, so that it can name them the next time.
const resumeParameter = "parley-resume"

// What a client may name. What is more than that is no use to anybody.
const (
	maxResume       = 64 << 10
	maxResumeGroups = 1000
)

// lost stands for a position that cannot be read: it is of no log, so that the client
// hears of a gap.
var lost = channel.Position{Epoch: "-"}

var errResume = errors.New("consumer: too long, or too many groups")

// keptGroups are what a Conn knows of kept groups. One whose client names none, and that
// is in none, has nothing of it.
type keptGroups struct {
	sync.Mutex // held while one is joined

	read  bool                               // the handshake was looked at
	bad   bool                               // and cannot be understood
	named map[channel.Group]channel.Position // and not yet joined
}

// keptFor returns what there is to be of keptGroups for one who joins a group, or nil.
func (c *Conn) keptFor(group channel.Group) *keptGroups {
	needed := c.namesGroups() || c.app.options.Layer.Keeps(group)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil && needed {
		c.kept = new(keptGroups)
	}
	return c.kept
}

// namesGroups reports whether the client may have said where it wants to go on.
func (c *Conn) namesGroups() bool {
	return strings.Contains(c.scope.Request.URL.RawQuery, resumeParameter)
}

// readPositions reads what a client names. Groups that cannot exist are left out.
func readPositions(text string) (map[channel.Group]channel.Position, error) {
	if len(text) > maxResume {
		return nil, errResume
	}
	var named map[channel.Group]string
	if err := json.Unmarshal([]byte(text), &named); err != nil {
		return nil, err
	}
	if len(named) > maxResumeGroups {
		return nil, errResume
	}
	positions := make(map[channel.Group]channel.Position, len(named))
	for group, text := range named {
		if _, err := channel.ParseGroup(string(group)); err != nil {
			continue
		}
		position, err := channel.ParsePosition(text)
		if err != nil {
			position = lost
		}
		positions[group] = position
	}
	return positions, nil
}

// of returns where the client wants to go on in a group.
func (k *keptGroups) of(c *Conn, group channel.Group) (after channel.Position, named bool) {
	if !k.read && c.namesGroups() {
		text := c.scope.Request.URL.Query().Get(resumeParameter)
		var err error
		k.named, err = readPositions(text)
		k.bad = err != nil && text != ""
	}
	k.read = true
	after, named = k.named[group]
	if !named && k.bad && c.app.options.Layer.Keeps(group) {
		return lost, true
	}
	return after, named
}

// join joins a group. What the client has missed waits in the mailbox, in front of all
// that comes to the group from then on. It goes on where it says once: whenever it
// joins after that is the first time.
func (c *Conn) join(ctx context.Context, inbox *channel.Inbox, group channel.Group) error {
	kept := c.keptFor(group)
	if kept == nil {
		return inbox.Join(ctx, group)
	}
	kept.Lock()
	after, named := kept.of(c, group)
	if !named && !c.app.options.Layer.Keeps(group) {
		kept.Unlock()
		return inbox.Join(ctx, group)
	}
	defer kept.Unlock()
	if slices.Contains(inbox.Groups(), group) {
		return nil
	}
	if !named {
		after = channel.Newest
	}
	return inbox.Resume(ctx, group, after, func(resumed channel.Resumed) error {
		if named {
			delete(kept.named, group)
			c.app.counters.add(countResumed)
		}
		if c.mail.putMissed(c.missed(group, named, resumed), c) {
			go c.readMail()
		}
		return nil
	})
}

// missed is what a client is owed of a group that it has joined.
func (c *Conn) missed(group channel.Group, named bool, resumed channel.Resumed) []letter {
	letters := make([]letter, 0, len(resumed.Messages)+1)
	add := func(message channel.Message) {
		if handle, known := c.app.layerHandlers[message.Type()]; known {
			letters = append(letters, letter{message: message, handle: handle})
		} else if !isNotice(message.Type()) {
			c.unknown(message, nil)
		}
	}
	switch {
	case resumed.Gap != "":
		add(gapNotice(group, resumed))
	case !named && c.app.forwards:
		letters = append(letters, letter{message: positionNotice(group, resumed.Position)})
	}
	for _, message := range resumed.Messages {
		add(message)
	}
	return letters
}
