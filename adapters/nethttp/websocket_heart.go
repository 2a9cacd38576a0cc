package nethttp

// Beat has the socket answer pings of the kit's clients while the app is busy
// (protocol.Heart).
func (c *webSocketConn) Beat() {
	if sock := c.open.Load(); sock != nil {
		sock.Beat()
	}
}
