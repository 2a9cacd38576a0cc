// Package census is what transports keep of their conversations for those who look
// on: a number for each, what is found out above about it, and how the last ones
// have ended.
package census

import (
	"strings"
	"sync/atomic"

	"github.com/parleygo/parley"
)

var numbers atomic.Uint64

// Number returns the number of a new conversation, which no other of this process
// has.
func Number() uint64 { return numbers.Add(1) }

// Badge is what is found out about a conversation above its transport. The strings
// are not changed any more.
type Badge struct{ route, user atomic.Pointer[string] }

// Clear clears the badge, for another conversation.
//
//parley:noescape
func (b *Badge) Clear() {
	if b.route.Load() != nil {
		b.route.Store(nil)
	}
	if b.user.Load() != nil {
		b.user.Store(nil)
	}
}

// SetRoute tells which route was found, by its pattern.
func (b *Badge) SetRoute(route *string) { b.route.Store(route) }

// SetUser tells who is logged in.
func (b *Badge) SetUser(user *string) { b.user.Store(user) }

// HasRoute reports whether a route was told.
//
//parley:inline
func (b *Badge) HasRoute() bool { return b.route.Load() != nil }

// Read returns what is known, in bounded length.
func (b *Badge) Read() (route, user string) {
	if text := b.route.Load(); text != nil {
		route = Clip(*text)
	}
	if text := b.user.Load(); text != nil {
		user = Clip(*text)
	}
	return route, user
}

// Wearer is a live conn that wears a badge.
type Wearer interface{ Badge() *Badge }

// BadgeOf returns the badge of the transport below conn, or nil.
//
//parley:noescape
func BadgeOf(conn parley.Conn) *Badge {
	for {
		if wearer, ok := conn.(Wearer); ok {
			return wearer.Badge()
		}
		wrapper, ok := conn.(interface{ Unwrap() parley.Conn })
		if !ok {
			return nil
		}
		conn = wrapper.Unwrap()
	}
}

// longest is the length of a text that a client or a user has chosen.
const longest = 200

// Clip bounds a text that may be anything, and makes it valid UTF-8.
func Clip(text string) string {
	const dots = "\u2026"
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest-len(dots)], "") + dots
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// Path returns the path of a request target, without its query.
func Path(target string) string {
	path, _, _ := strings.Cut(target, "?")
	return Clip(path)
}
