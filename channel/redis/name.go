package redis

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// kind is what is kept or said about a subject.
type kind string

const (
	plain      kind = "sub"     // a channel: payloads
	kept       kind = "log"     // a channel: entries of a log; and a key: the stream of them
	ledger     kind = "mark"    // a key: epoch and offset of a log
	backlog    kind = "queue"   // a key: the list that readers share
	bell       kind = "bell"    // a channel: there is something in the list
	readersKey kind = "readers" // a key: the list has readers
	work       kind = "jobs"    // a key: the stream of jobs
	due        kind = "due"     // a key: when jobs that are held may be taken
	gong       kind = "gong"    // a channel: there are jobs
	clock      kind = "clock"   // a key: when the server's time was looked at last
)

// names makes the names of keys and channels. That is the one place which says where
// a subject is found: everything about it has one hash tag, hence one slot of a
// cluster, for those that publish and those that subscribe.
type names struct{ prefix string }

// newNames tells databases apart by a sign that no prefix has at its end.
func newNames(prefix string, database int) names {
	if database != 0 {
		prefix += "#" + strconv.Itoa(database)
	}
	return names{prefix + ":"}
}

// checkPrefix refuses what would make other names than it seems to.
func checkPrefix(prefix string) error {
	switch at := strings.LastIndexByte(prefix, '#'); {
	case strings.ContainsAny(prefix, "{}"):
		return fmt.Errorf("redis: Options.Prefix: %q has a brace", prefix)
	case at >= 0 && strings.Trim(prefix[at:], "#0123456789") == "":
		return fmt.Errorf("redis: Options.Prefix: %q ends like one of another database", prefix)
	}
	return nil
}

func (n names) of(what kind, subject string) string {
	return n.prefix + string(what) + ":{" + subject + "}"
}

// subject is the reverse of of.
func (n names) subject(what kind, name string) string {
	return name[len(n.prefix)+len(what)+2 : len(name)-1]
}

// slot is the number of a subject's slot in a cluster.
func slot(subject string) uint16 { return crc16(subject) & 16383 }

// publish makes the command that brings a payload to a channel.
func (t *Transport) publish(channel string, payload []byte) rueidis.Completed {
	text := rueidis.BinaryString(payload)
	switch {
	case t.sharded:
		return t.client.B().Spublish().Channel(channel).Message(text).Build()
	case t.cluster: // Keys sends it to the node of the channel's slot
		return t.client.B().Arbitrary("PUBLISH").Keys(channel).Args(text).Build()
	}
	return t.client.B().Publish().Channel(channel).Message(text).Build()
}

// publishWord is what a script says instead.
func (t *Transport) publishWord() string {
	if t.sharded {
		return "SPUBLISH"
	}
	return "PUBLISH"
}
