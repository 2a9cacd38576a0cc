package drain

// asking is how somebody within the process asks for its end, as a signal does from
// outside.
type asking struct {
	asked chan struct{} // made by who listens
	done  bool
}

// Asked returns a channel that is closed once Ask was called.
func (g *Group) Asked() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asking.asked == nil {
		g.asking.asked = make(chan struct{})
	}
	return g.asking.asked
}

// Listens reports whether somebody will do what Ask asks for.
func (g *Group) Listens() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asking.asked != nil
}

// Ask asks who runs the process to end it in order. It reports whether somebody
// listens.
func (g *Group) Ask() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.asking.asked == nil {
		return false
	}
	if !g.asking.done {
		g.asking.done = true
		close(g.asking.asked)
	}
	return true
}
