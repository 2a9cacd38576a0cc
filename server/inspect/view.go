package inspect

import (
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
)

// How much of each kind is shown. A page is for people, and each viewer costs what it
// shows once a second.
const (
	maxRows   = 100
	maxGroups = 30
	maxLanes  = 50
	maxEnds   = 50
)

// view is what the page is sent each second.
type view struct {
	Now      int64      `json:"now"` // in Unix milliseconds, as all times are
	Draining bool       `json:"draining"`
	Live     int        `json:"live"` // conversations of all sources
	Matching int        `json:"matching"`
	Rows     []row      `json:"rows"` // of those, the first ones by the order asked for
	Ends     []end      `json:"ends"`
	Closed   closed     `json:"closed"`
	Layers   []layer    `json:"layers"`
	Bridges  []bridging `json:"bridges"`
	Sample   sample     `json:"sample"`

	found sample // the requests of gateways that were not listed
}

// row is one conversation.
type row struct {
	ID        uint64 `json:"id,string"`
	Protocol  string `json:"protocol"`
	Transport string `json:"transport"`
	Route     string `json:"route"`
	Path      string `json:"path"`
	Client    string `json:"client"`
	User      string `json:"user"`
	Begun     int64  `json:"begun"`
	Open      bool   `json:"open"`
	Queued    int    `json:"queued"`
	Waiting   int    `json:"waiting"` // bytes
	Unread    int    `json:"unread"`
	In        uint64 `json:"in"`
	Out       uint64 `json:"out"`
	BytesIn   uint64 `json:"bytesIn"`
	BytesOut  uint64 `json:"bytesOut"`
}

func rowOf(c parley.Conversation) row {
	return row{
		ID: c.ID, Protocol: string(c.Protocol), Transport: c.Transport, Route: c.Route, Path: c.Path,
		Client: c.Client, User: c.User, Begun: c.Begun.UnixMilli(), Open: c.Open,
		Queued: c.Queued, Waiting: c.QueuedBytes, Unread: c.Unread,
		In: c.MessagesIn, Out: c.MessagesOut, BytesIn: c.BytesIn, BytesOut: c.BytesOut,
	}
}

// end is how a conversation has ended.
type end struct {
	row
	Ended int64            `json:"ended"`
	Code  parley.CloseCode `json:"code"`
	Cause string           `json:"cause"`
}

// closed counts what has ended since the process began, and what went wrong.
type closed struct {
	Codes  map[string]uint64 `json:"codes"` // of WebSockets
	Causes map[string]uint64 `json:"causes"`
	Panics uint64            `json:"panics"`
	Leaked uint64            `json:"leaked"` // apps that outlived their client
}

func (c *closed) add(stats *nethttp.Stats) {
	for name, n := range stats.CloseCodes.All() {
		c.Codes[name] += n
	}
	for name, n := range stats.CloseCauses.All() {
		c.Causes[name] += n
	}
	c.Panics += stats.Panics
	c.Leaked += stats.Leaked
}

// layer is one channel layer.
type layer struct {
	Name    string  `json:"name"`
	Inboxes int     `json:"inboxes"`
	Count   int     `json:"count"` // of groups
	Members int     `json:"members"`
	Unread  int     `json:"unread"`
	Dropped uint64  `json:"dropped"`
	Groups  []group `json:"groups"`
}

type group struct {
	Name    string `json:"name"`
	Members int    `json:"members"`
}

func layerOf(name string, l *channel.Layer) layer {
	stats := l.Stats()
	shown := layer{
		Name: name, Inboxes: stats.Inboxes, Count: stats.Groups, Members: stats.Members,
		Unread: stats.Unread, Dropped: stats.Dropped, Groups: []group{},
	}
	for _, g := range l.Groups(maxGroups) {
		shown.Groups = append(shown.Groups, group{string(g.Group), g.Members})
	}
	return shown
}

// bridging is one bridge.
type bridging struct {
	Name      string `json:"name"`
	Capacity  int    `json:"capacity"`
	Running   int    `json:"running"`
	Parked    int    `json:"parked"`
	Queued    int    `json:"queued"`
	Abandoned int    `json:"abandoned"`
	Threads   int    `json:"threads"`
	Starving  int    `json:"starving"`
	Served    uint64 `json:"served"`
	Rejected  uint64 `json:"rejected"`
	Lanes     []lane `json:"lanes"`
}

type lane struct {
	Name     string `json:"name"`
	State    string `json:"state"`
	Queued   int    `json:"queued"`
	Depth    int    `json:"depth"`
	Call     uint64 `json:"call"`
	Function string `json:"function"`
	WaitsFor string `json:"waitsFor"`
	Since    int64  `json:"since"` // 0: not known
}

func bridgeOf(name string, b *bridge.Bridge) bridging {
	s := b.Stats()
	shown := bridging{
		Name: name, Capacity: s.Capacity, Running: s.Running, Parked: s.Parked, Queued: s.Queued,
		Abandoned: s.Abandoned, Threads: s.Lanes, Starving: s.Starving, Served: s.Served,
		Rejected: s.Rejected, Lanes: []lane{},
	}
	for _, l := range b.Lanes(maxLanes) {
		shown.Lanes = append(shown.Lanes, lane{
			Name: l.Name, State: string(l.State), Queued: l.Queued, Depth: l.Depth, Call: l.Call,
			Function: l.Function, WaitsFor: l.WaitsFor, Since: unixMilli(l.Since),
		})
	}
	return shown
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
