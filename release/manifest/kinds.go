package manifest

import (
	"slices"
	"strings"
)

// Order says whether kinds are sorted for installing or for removing.
type Order int

// The two orders.
const (
	Install Order = iota
	Uninstall
)

// installKinds is the order in which Helm installs; a document whose kind is
// not listed comes after all of these.
var installKinds = []string{
	"PriorityClass", "Namespace", "NetworkPolicy", "ResourceQuota", "LimitRange",
	"PodSecurityPolicy", "PodDisruptionBudget", "ServiceAccount", "Secret", "SecretList",
	"ConfigMap", "StorageClass", "PersistentVolume", "PersistentVolumeClaim",
	"CustomResourceDefinition", "ClusterRole", "ClusterRoleList", "ClusterRoleBinding",
	"ClusterRoleBindingList", "Role", "RoleList", "RoleBinding", "RoleBindingList", "Service",
	"DaemonSet", "Pod", "ReplicationController", "ReplicaSet", "Deployment",
	"HorizontalPodAutoscaler", "StatefulSet", "Job", "CronJob", "IngressClass", "Ingress",
	"APIService",
}

// uninstallKinds is not the reverse of installKinds: a Service goes before
// the workloads behind it.
var uninstallKinds = []string{
	"APIService", "Ingress", "IngressClass", "Service", "CronJob", "Job", "StatefulSet",
	"HorizontalPodAutoscaler", "Deployment", "ReplicaSet", "ReplicationController", "Pod",
	"DaemonSet", "RoleBindingList", "RoleBinding", "RoleList", "Role", "ClusterRoleBindingList",
	"ClusterRoleBinding", "ClusterRoleList", "ClusterRole", "CustomResourceDefinition",
	"PersistentVolumeClaim", "PersistentVolume", "StorageClass", "ConfigMap", "SecretList",
	"Secret", "ServiceAccount", "PodDisruptionBudget", "PodSecurityPolicy", "LimitRange",
	"ResourceQuota", "NetworkPolicy", "Namespace", "PriorityClass",
}

// Ranks of the kinds, built once: the lists above and, for Helm 4, the
// webhook configurations, last when installing and first when removing.
var (
	installRanks3   = ranks(Kinds(Install, Helm3))
	installRanks4   = ranks(Kinds(Install, Helm4))
	uninstallRanks3 = ranks(Kinds(Uninstall, Helm3))
	uninstallRanks4 = ranks(Kinds(Uninstall, Helm4))
)

// Kinds returns the known kinds in the order asked for. The slice is the
// caller's own.
func Kinds(order Order, compat Compat) []string {
	switch {
	case order == Uninstall && compat == Helm4:
		return append([]string{"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}, uninstallKinds...)
	case order == Uninstall:
		return slices.Clone(uninstallKinds)
	case compat == Helm4:
		return append(slices.Clone(installKinds), "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
	}
	return slices.Clone(installKinds)
}

// CompareKinds compares two kinds by the order asked for: negative when a
// comes first. Kinds that are not known come last, by name.
func CompareKinds(a, b string, order Order, compat Compat) int {
	table := rankTable(order, compat)
	if d := rank(table, a) - rank(table, b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

func ranks(kinds []string) map[string]int {
	table := make(map[string]int, len(kinds))
	for i, kind := range kinds {
		table[kind] = i
	}
	return table
}

func rankTable(order Order, compat Compat) map[string]int {
	switch {
	case order == Uninstall && compat == Helm4:
		return uninstallRanks4
	case order == Uninstall:
		return uninstallRanks3
	case compat == Helm4:
		return installRanks4
	}
	return installRanks3
}

// rank gives the place of a kind; all unknown kinds share the last.
func rank(table map[string]int, kind string) int {
	if i, known := table[kind]; known {
		return i
	}
	return len(table)
}

// sortByKind sorts items by the kind that kindOf names, keeping the order of
// items of one kind. It moves each item once.
func sortByKind[T any](items []T, kindOf func(*T) string, table map[string]int) []T {
	type place struct{ rank, index int }
	places := make([]place, len(items))
	for i := range items {
		places[i] = place{rank(table, kindOf(&items[i])), i}
	}
	slices.SortFunc(places, func(a, b place) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		if a.rank == len(table) {
			if c := strings.Compare(kindOf(&items[a.index]), kindOf(&items[b.index])); c != 0 {
				return c
			}
		}
		return a.index - b.index
	})
	sorted := make([]T, len(items))
	for i, p := range places {
		sorted[i] = items[p.index]
	}
	return sorted
}
