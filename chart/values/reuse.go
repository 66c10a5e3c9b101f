package values

// CoalesceTables returns over with what base has beside it: tables merge, else
// over wins, and a null in over removes the entry of base. This is how values
// of an earlier release are reused. Neither argument is changed.
func CoalesceTables(over, base map[string]any) map[string]any {
	merged := make(map[string]any, len(over)+len(base))
	for key, value := range over {
		old, exists := base[key]
		switch {
		case value == nil && exists && old != nil:
			continue
		case exists:
			table, ok := value.(map[string]any)
			oldTable, oldOK := old.(map[string]any)
			if ok && oldOK {
				merged[key] = CoalesceTables(table, oldTable)
				continue
			}
		}
		merged[key] = value
	}
	for key, value := range base {
		if _, exists := over[key]; !exists {
			merged[key] = value
		}
	}
	return merged
}
