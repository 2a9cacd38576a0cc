package nethttp

import "github.com/parleygo/parley/internal/feed"

// Follow has the socket follow a group, if it is open (feed.Follower).
func (c *webSocketConn) Follow(seat feed.Seat) {
	if sock := c.open.Load(); sock != nil {
		sock.Follow(seat)
	}
}

// Unfollow ends that.
func (c *webSocketConn) Unfollow() {
	if sock := c.open.Load(); sock != nil {
		sock.Unfollow(nil)
	}
}
