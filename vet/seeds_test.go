package vet_test

// seed is a fault that is put into a sample: some lines are replaced, and those that are then reported have a
// comment "want" with the analyzer's name.
type seed struct{ file, old, new string }

var seeds = []seed{
	// The state is changed outside of an apply body.
	{"shop/order.go", "	own := slices.Clone(labels)\n", "	own := slices.Clone(labels)\n	o.Status = to // want statechange\n"},
	{"shop/order.go", `	tried.Lines = slices.Clone(o.Lines)
	for i := range tried.Lines {
		if tried.Lines[i].SKU == sku {
			tried.Lines[i].Quantity = quantity
`, `	for i := range tried.Lines {
		if tried.Lines[i].SKU == sku {
			tried.Lines[i].Quantity = quantity // want statechange
`},
	{"shop/order.go", "	if o.Status != Placed {\n", "	o.advance(o.Status) // want statechange\n	if o.Status != Placed {\n"},
	{"shop/order.go", "	own = append(own, \"auto\")\n", "	own = append(own, \"auto\")\n	o.applyStatusChanged(StatusChanged{Status: to}) // want statechange\n"},
	{"shop/order.go", "	lines := append([]Line(nil), o.Lines...)\n	slices.Reverse(lines)\n	lines[0].Quantity++\n", "	lines := o.Lines\n	slices.Reverse(lines) // want statechange\n	lines[0].Quantity++ // want statechange\n"},
	{"shop/order.go", "	articles := maps.Clone(o.Stock)\n", "	articles := maps.Clone(o.Stock)\n	articles = o.Stock\n"},
	{"shop/order.go", "			delete(articles, sku)\n", "			delete(articles, sku) // want statechange\n"},
	{"shop/order.go", "	if len(lines) == 0 {\n", "	o.Email = email // want statechange\n	o.normalise() // want statechange\n	if len(lines) == 0 {\n"},
	{"shop/service.go", "		o.Use(nil)\n", "		o.Use(nil)\n		o.Total = 0 // want statechange\n"},
	{"shop/service.go", "	preview := *o\n", "	preview := o\n"},
	{"shop/service.go", "	preview.Email = \"hidden\"\n	return preview, nil\n", "	preview.Email = \"hidden\" // want statechange\n	return *preview, nil\n"},
	{"wallet/wallet.go", "	day := now.Format(time.DateOnly)\n", "	day := now.Format(time.DateOnly)\n	w.note(note) // want statechange\n	w.spend(day, m.Minor) // want statechange\n"},
	{"wallet/wallet.go", "	total := map[Currency]int64{}\n", "	total := w.Balances\n"},
	{"wallet/wallet.go", "		total[c] += n\n", "		total[c] += n // want statechange\n"},
	{"wallet/wallet.go", "		total[h.Currency] += h.Minor\n	}\n	return", "		total[h.Currency] += h.Minor // want statechange\n	}\n	return"},
	{"booking/booking.go", "	copied := *stay\n	copied.Rate /= 2\n", "	copied := stay\n	copied.Rate /= 2 // want statechange\n"},
	{"booking/booking.go", "	if r.Closed {\n		return ErrClosed\n	}\n", "	r.Calendar.take(nights[0], guest) // want statechange\n	if r.Closed {\n		return ErrClosed\n	}\n"},
	{"booking/desk.go", "		return g.Earn(stay", "		g.Level++ // want statechange\n		return g.Earn(stay"},

	// An apply body or upcaster depends on more than the events.
	{"shop/order.go", "	o.PlacedAt = e.At.UTC()\n", "	o.PlacedAt = time.Now() // want purefold\n"},
	{"shop/order.go", "	for sku := range counts {\n		names = append(names, sku)\n	}\n	slices.Sort(names)\n", "	for sku := range counts { // want purefold\n		names = append(names, sku)\n	}\n"},
	{"shop/order.go", "	for sku, n := range counts {\n		o.Stock[sku] = n\n", "	for sku, n := range counts { // want purefold\n		o.Status = Status(sku)\n		o.Stock[sku] = n\n"},
	{"wallet/wallet.go", `func isSoft(reason string) bool { return reason == "" }`, `func isSoft(reason string) bool { return reason == "" || time.Since(time.Time{}) > 0 } // want purefold`},
	{"wallet/wallet.go", "	\"math\"\n", "	\"math\"\n	\"math/rand/v2\"\n	\"os\"\n"},
	{"wallet/wallet.go", "	w.note(e.Money.String() + \" \" + e.Note)\n", "	w.note(strconv.Itoa(rand.Int())) // want purefold\n	w.note(e.Money.String() + \" \" + e.Note)\n"},
	{"wallet/wallet.go", "	w.Owner, w.Daily = e.Owner, e.Daily\n", "	w.Owner, w.Daily = e.Owner+os.Getenv(\"USER\"), e.Daily // want purefold\n	go w.rank() // want purefold\n"},
	{"wallet/wallet.go", "	for _, h := range w.Holds {\n		held = held || h.Minor > 0\n", "	for _, h := range w.Holds { // want purefold\n		w.note(string(h.Currency))\n		held = held || h.Minor > 0\n"},
	{"wallet/wallet.go", `	top := slices.Collect(maps.Keys(w.Balances))
	sort.Slice(top, func(i, j int) bool {
		x, y := w.Balances[top[i]], w.Balances[top[j]]
		return x > y || x == y && top[i] < top[j]
	})
`, "	top := slices.Collect(maps.Keys(w.Balances)) // want purefold\n"},
	{"wallet/wallet.go", "	if late {\n", "	if late {\n		fmt.Println(\"late\") // want purefold\n		w.recordFreeze(Freeze{}) // want purefold\n"},
	{"wallet/wallet.go", "	e := Created{Owner: owner, Daily: daily}\n", "	e := Created{Owner: owner, Daily: daily}\n	limit = daily\n"},
	{"wallet/wallet.go", "	w.Frozen = !e.Soft\n", "	w.Frozen = !e.Soft && limit > 0 // want purefold\n	limit-- // want purefold\n"},
	{"wallet/wallet.go", "func init() {", "var limit int64\n\nfunc init() {"},
	{"booking/booking.go", "	for month, rate := range seasons {\n", "	for month, rate := range seasons { // want purefold\n		r.Revenue += rate\n"},
	{"booking/booking.go", "time.Unix(e.From.Unix(), 0).UTC()\n", "time.Unix(e.From.Unix(), 0) // want purefold\n"},
	{"booking/booking.go", "	for id, stay := range r.Stays {\n", "	for id, stay := range r.Stays { // want purefold\n"},
	{"booking/booking.go", "	slices.SortFunc(all, func(x, y kept) int { return cmp.Compare(x.id, y.id) })\n", "	slices.Reverse(all)\n"},
	{"booking/booking.go", "	\"cmp\"\n", ""},
	{"booking/booking.go", "	r.earn(stay.price())\n", "	booked.Add(1) // want purefold\n	r.earn(stay.price())\n"},
	{"booking/booking.go", "	case points > 1000:\n", "	case points > 1000 || time.Now().Day() == 1: // want purefold\n"},

	// An event is changed after it was recorded.
	{"shop/order.go", "	own = nil\n	own = append(own, \"auto\")\n	own[0] = \"automatic\"\n", "	own[0] = \"automatic\" // want recordedevent\n"},
	{"shop/order.go", "	o.recordOrderPlaced(e)\n", "	o.recordOrderPlaced(e)\n	e.Lines[0].Quantity = 1 // want recordedevent\n	e.Discount = 0 // want recordedevent\n"},
	{"shop/order.go", "	o.Lines = slices.Clone(e.Lines)\n", "	o.Lines = e.Lines // want recordedevent\n"},
	{"wallet/wallet.go", "Until: until.UTC(), Tags: mine})\n", "Until: until.UTC(), Tags: mine})\n	mine[0] = id // want recordedevent\n"},
	{"wallet/wallet.go", "	w.recordCreated(e)\n", "	w.recordCreated(e)\n	sort.Strings(e.Known) // want recordedevent\n"},
	{"booking/booking.go", "	for id, nights := range requests {\n		own := slices.Clone(nights)\n		for i := range own {\n			own[i] = ", "	var own []Night\n	for id, nights := range requests {\n		own = append(own[:0], nights...) // want recordedevent\n		for i := range own {\n			// want+1 recordedevent\n			own[i] = "},
	{"booking/booking.go", "	r.recordRoomAdded(RoomAdded{Name: name, Seasons: own})\n", "	r.recordRoomAdded(RoomAdded{Name: name, Seasons: own})\n	own[name] = 1 // want recordedevent\n"},
	{"booking/booking.go", "	stay.Nights = slices.Clone(e.Stay.Nights)\n", "	slices.Sort(stay.Nights) // want recordedevent\n"},
	{"booking/booking.go", "	r.Seasons = maps.Clone(e.Seasons)\n", "	r.Seasons = e.Seasons // want recordedevent\n"},
	{"booking/booking.go", "		r.Seasons[month.String()] = rate\n", "		r.Seasons[month.String()] = rate // want recordedevent\n"},

	// A pointer to an event matches nothing.
	{"shop/service.go", "			case OrderPlaced:\n", "			case *OrderPlaced: // want eventpointer\n"},
	{"shop/service.go", "event.(OrderPlaced); ok {", "event.(*OrderPlaced); ok { // want eventpointer"},
	{"booking/desk.go", "	case Cancelled, ExtraAdded:\n", "	case Cancelled, *ExtraAdded: // want eventpointer\n"},

	// An error is dropped.
	{"shop/service.go", "		if err := s.orders.Update(ctx, id, func(o *Order) error { return o.Advance(Paid) }); err != nil {\n			return err\n		}\n", "		s.orders.Update(ctx, id, func(o *Order) error { return o.Advance(Paid) }) // want droppederror\n"},
	{"shop/service.go", "		return o.Place(email, lines, ship, time.Now())\n", "		o.Place(email, lines, ship, time.Now()) // want droppederror\n		return nil\n"},
	{"shop/service.go", "		events, err := DecodeOrder(rec)\n		if err != nil {\n			return err\n		}\n", "		events, _ := DecodeOrder(rec) // want droppederror\n"},
	{"wallet/transfer.go", "	_, err = repository.SaveAll(ctx, []repository.Staged{b.wallets.Stage(sender), b.wallets.Stage(receiver)})\n", "	_, _ = repository.SaveAll(ctx, []repository.Staged{b.wallets.Stage(sender), b.wallets.Stage(receiver)}) // want droppederror\n"},
	{"wallet/transfer.go", "	return b.marks.SaveCheckpoint(ctx, \"balances\", after)\n", "	b.marks.SaveCheckpoint(ctx, \"balances\", after) // want droppederror\n	return nil\n"},
	{"wallet/transfer.go", "	if err := receiver.Move(m, now, \"from \"+from); err != nil {\n		return err\n	}\n", "	receiver.Move(m, now, \"from \"+from) // want droppederror\n"},
	{"booking/desk.go", "				return r.Cancel(stay, r.Cleaned)\n", "				_ = r.Cancel(stay, r.Cleaned) // want droppederror\n				return nil\n"},

	// A loop drops the iterator's error.
	{"shop/service.go", "	for rec, err := range s.store.Read(ctx, es.ReadQuery{Stream: es.Stream{Category: \"order\", ID: id}}) {\n		if err != nil {\n			return err\n		}\n", "	for rec := range s.store.Read(ctx, es.ReadQuery{Stream: es.Stream{Category: \"order\", ID: id}}) { // want droppediteration\n"},
	{"wallet/transfer.go", "	for rec, err := range b.feed.ReadAll(ctx, es.FeedQuery{After: after}) {\n		if err != nil {\n			return err\n		}\n", "	for rec, _ := range b.feed.ReadAll(ctx, es.FeedQuery{After: after}) { // want droppediteration\n"},
	{"booking/desk.go", "	for info, err := range lister.Streams(ctx, es.ListQuery{Category: \"room\"}) {\n		if err != nil {\n			return nil, err\n		}\n", "	for info := range lister.Streams(ctx, es.ListQuery{Category: \"room\"}) { // want droppediteration\n"},

	// An event is never recorded.
	{"booking/booking.go", "type GuestSeen struct {\n", "type GuestSeen struct { // want unusedevent\n"},
	{"booking/booking.go", "	g.recordGuestSeen(GuestSeen{Level: g.Level})\n", ""},
	{"shop/order.go", "type QuantityChanged struct {\n", "type QuantityChanged struct { // want unusedevent\n"},
	{"shop/order.go", "	o.recordQuantityChanged(QuantityChanged{SKU: sku, Quantity: quantity})\n", ""},
}
