package router

import "hash/maphash"

// children are the nodes behind the literals of one place. Looking through a few is
// faster than anything else; more stand in a table of their own, which takes less time
// than a map.
type children struct {
	list  []child
	slots []uint32 // once they are many: the places in list, from 1, by hash
}

type child struct {
	text string
	node *node
}

const fewChildren = 8

// find returns the child behind text, or nil. It is too large to be inlined: a search
// makes the choice itself.
func (c *children) find(text string) *node {
	if c.slots != nil {
		return c.probe(text)
	}
	return c.scan(text)
}

// scan looks through the list.
//
//parley:inline
func (c *children) scan(text string) *node {
	for i := range c.list {
		if c.list[i].text == text {
			return c.list[i].node
		}
	}
	return nil
}

// probe looks text up in the table, of which at least half is empty.
//
//parley:noescape
func (c *children) probe(text string) *node {
	mask := len(c.slots) - 1
	for i := int(hashOf(text)) & mask; c.slots[i] != 0; i = (i + 1) & mask {
		if found := &c.list[c.slots[i]-1]; found.text == text {
			return found.node
		}
	}
	return nil
}

var seed = maphash.MakeSeed()

//parley:inline
func hashOf(text string) uint64 { return maphash.String(seed, text) }

// get returns the child behind text, and makes it if it is new.
func (c *children) get(text string) *node {
	if found := c.find(text); found != nil {
		return found
	}
	made := new(node)
	c.list = append(c.list, child{text, made})
	switch n := len(c.list); {
	case n <= fewChildren:
	case 2*n > len(c.slots):
		c.slots = make([]uint32, max(2*len(c.slots), 4*fewChildren))
		for i := range c.list {
			c.place(i)
		}
	default:
		c.place(n - 1)
	}
	return made
}

// place enters a child of the list into the table.
func (c *children) place(at int) {
	mask := len(c.slots) - 1
	i := int(hashOf(c.list[at].text)) & mask
	for c.slots[i] != 0 {
		i = (i + 1) & mask
	}
	c.slots[i] = uint32(at + 1)
}
