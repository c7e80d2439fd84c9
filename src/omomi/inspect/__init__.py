"""L6: looking inside: gradient check and pictures. matplotlib is loaded with the first picture."""

from omomi.inspect.confusion import count_confusions as count_confusions
from omomi.inspect.confusion import plot_confusion as plot_confusion
from omomi.inspect.diagnosis import Diagnosis as Diagnosis
from omomi.inspect.diagnosis import diagnose as diagnose
from omomi.inspect.draw import draw_model as draw_model
from omomi.inspect.experiments import plot_error_by_units as plot_error_by_units
from omomi.inspect.experiments import plot_fit as plot_fit
from omomi.inspect.experiments import plot_optimizer_paths as plot_optimizer_paths
from omomi.inspect.experiments import plot_penalties as plot_penalties
from omomi.inspect.feature_maps import plot_feature_maps as plot_feature_maps
from omomi.inspect.filters import plot_filters as plot_filters
from omomi.inspect.gradient_check import check_rule as check_rule
from omomi.inspect.histograms import plot_activation_histograms as plot_activation_histograms
from omomi.inspect.histograms import plot_weight_histograms as plot_weight_histograms
from omomi.inspect.model_check import GradientReport as GradientReport
from omomi.inspect.model_check import check_gradients as check_gradients
from omomi.inspect.outputs import layer_outputs as layer_outputs
from omomi.inspect.pictures import plot_errors as plot_errors
from omomi.inspect.pictures import plot_history as plot_history
from omomi.inspect.pictures import plot_samples as plot_samples
from omomi.inspect.regions import Snapshots as Snapshots
from omomi.inspect.regions import plot_decision_regions as plot_decision_regions
from omomi.inspect.regions import plot_learning as plot_learning
from omomi.inspect.tracing import Trace as Trace
from omomi.inspect.tracing import trace as trace
