package rollout

import (
	"errors"
	"strings"
	"testing"
)

func TestWhoMayPassAGate(t *testing.T) {
	for _, test := range []struct {
		settings func(*Settings)
		who      string
		refused  string // "" if it passes
	}{
		{func(s *Settings) {}, "", ""},
		{func(s *Settings) { s.Approvers = []string{"bob", "carol"} }, "carol", ""},
		{func(s *Settings) { s.Approvers = []string{"bob", "carol"} }, "alice", `nobody but bob, carol, not by "alice"`},
		{func(s *Settings) { s.Approvers = []string{"bob"} }, "", "nobody but bob"},
		{func(s *Settings) { s.FourEyes = true }, "bob", ""},
		{func(s *Settings) { s.FourEyes = true }, "alice", "who has started it"},
		{func(s *Settings) { s.FourEyes = true }, "", "who has started it"},
	} {
		gate := reach(t, planned(func(s *State) {
			s.Starter = Actor{Name: "alice"}
			test.settings(&s.Settings)
		}), Gate, 0)
		for _, full := range []bool{false, true} {
			after, _, err := Next(gate, noon, Promote{Full: full, Actor: Actor{Name: test.who}})
			var refused *RefusedError
			switch {
			case test.refused == "" && (err != nil || after.Approver.Name != test.who):
				t.Errorf("%+v: %v", test, err)
			case test.refused != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), test.refused) || refused.Remedy == ""):
				t.Errorf("%+v: %v", test, err)
			}
		}
	}
}
