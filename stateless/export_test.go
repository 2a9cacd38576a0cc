package stateless

// Miscounted reports whether the server's counts of those that wait are not what there is.
func (s *Server) Miscounted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting, delivering := 0, 0
	for at := s.alive.Front(); at != nil; at = at.Next() {
		i := at.Value.(*instance)
		if i.idle && len(i.unread) == 0 {
			waiting++
		}
		if i.delivers > 0 {
			delivering++
		}
	}
	return waiting != s.waiting || delivering != s.delivering
}
