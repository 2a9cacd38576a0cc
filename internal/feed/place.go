package feed

import "slices"

// Place is how far a reader has come. The reader sees to it that its methods are
// called one at a time.
type Place struct {
	feed   *Feed
	reader Reader
	seat   Seat
	index  int32  // in feed.places; -1 when given up
	since  uint64 // messages of the feed up to where it began
	at     mark
}

// mark is a point of a feed. Only differences are made of it, which are small.
type mark struct{ frames, messages, bytes uint32 }

// Batch is a number of messages, one behind the other.
type Batch struct {
	Frames   []byte // which must not be changed
	Messages int
	Bytes    int // of the messages, before they were framed
}

// Join gives a reader a place behind what was sent. The caller holds the lock.
func (f *Feed) Join(reader Reader, seat Seat) *Place {
	p := &Place{
		feed: f, reader: reader, seat: seat, index: int32(len(f.places)),
		since: f.sent, at: f.mark(),
	}
	f.places = append(f.places, p)
	f.list = nil
	return p
}

// Reader returns whose place it is.
func (p *Place) Reader() Reader { return p.reader }

// Messages returns how many the place has been good for. The caller holds the lock.
//
//parley:inline
func (p *Place) Messages() int { return int(p.feed.sent - p.since) }

// Take returns what has come since the last time.
//
//parley:noescape
func (p *Place) Take() Batch {
	p.feed.mu.Lock()
	defer p.feed.mu.Unlock()
	return p.take()
}

//parley:noescape
func (p *Place) take() Batch {
	batch := p.waiting()
	p.at = p.feed.mark()
	return batch
}

// Waiting returns what Take would.
//
//parley:noescape
func (p *Place) Waiting() Batch {
	p.feed.mu.Lock()
	defer p.feed.mu.Unlock()
	return p.waiting()
}

func (p *Place) waiting() Batch {
	end, frames := p.feed.mark(), p.feed.frames
	frames = frames[len(frames)-int(end.frames-p.at.frames):]
	return Batch{
		slices.Clip(frames), int(end.messages - p.at.messages), int(end.bytes - p.at.bytes),
	}
}

// Leave gives the place up, and returns what Take would have.
func (p *Place) Leave() Batch {
	f := p.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.index < 0 {
		return Batch{}
	}
	batch := p.take()
	last := len(f.places) - 1
	moved := f.places[last]
	f.places[p.index], f.places[last] = moved, nil
	moved.index, p.index = p.index, -1
	f.places, f.list = f.places[:last], nil
	if last == 0 {
		f.places = nil
		f.walkedTo(f.end())
	}
	p.seat.Left(p.Messages())
	return batch
}
