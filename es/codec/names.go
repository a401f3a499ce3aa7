package codec

// names remembers the names of unknown members of the open objects, to find
// duplicates. Most texts have none or a few; then a slice is searched, and
// a map only in objects with many.
type names struct {
	open  []openName
	index map[openName]struct{}
}

type openName struct {
	depth int
	name  string
}

const indexFrom = 16

// add reports whether the object at depth, the innermost one, hasn't had the name yet.
func (n *names) add(depth int, name string) bool {
	this := openName{depth, name}
	count := 0
	for i := len(n.open) - 1; i >= 0 && n.open[i].depth == depth && count < indexFrom; i-- {
		if n.open[i].name == name {
			return false
		}
		count++
	}
	if count == indexFrom {
		if _, ok := n.index[this]; ok {
			return false
		}
		if n.index == nil {
			n.index = make(map[openName]struct{})
		}
		if first := len(n.open) - indexFrom; first == 0 || n.open[first-1].depth != depth {
			for _, o := range n.open[first:] {
				n.index[o] = struct{}{}
			}
		}
		n.index[this] = struct{}{}
	}
	n.open = append(n.open, this)
	return true
}

// leave forgets the names of the object at depth, which has ended.
func (n *names) leave(depth int) {
	if len(n.open) > 0 {
		n.forget(depth)
	}
}

func (n *names) forget(depth int) {
	i := len(n.open)
	for i > 0 && n.open[i-1].depth == depth {
		i--
		if len(n.index) > 0 {
			delete(n.index, n.open[i])
		}
	}
	n.open = n.open[:i]
}
