"""Networks by name, and from the plain values of their configuration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from face1d_ros.nets.bidirectional_lstm import BidirectionalLstm, BidirectionalLstmConfig
from face1d_ros.nets.coefficient_lstm import CoefficientLstm, CoefficientLstmConfig
from face1d_ros.nets.conv_lstm import ConvLstm, ConvLstmConfig
from face1d_ros.nets.curve_cnn import CurveCnn, CurveCnnConfig
from face1d_ros.nets.curve_transformer import CurveTransformer, CurveTransformerConfig
from face1d_ros.nets.embedding_lstm import EmbeddingLstm, EmbeddingLstmConfig
from face1d_ros.nets.expression_baselines import ExpressionCnn, ExpressionLogistic, ExpressionLstm
from face1d_ros.nets.expression_network import ExpressionConfig
from face1d_ros.nets.gru import Gru, GruConfig
from face1d_ros.nets.hybrid import Hybrid, HybridConfig
from face1d_ros.nets.lstm import Lstm, LstmConfig
from face1d_ros.nets.motion_encoder import MotionEncoder, MotionEncoderConfig
from face1d_ros.nets.network import StreamingNetwork
from face1d_ros.nets.one_d_former import OneDFormer, OneDFormerConfig
from face1d_ros.nets.spatial_conv import SpatialConv, SpatialConvConfig
from face1d_ros.nets.temporal_conv import TemporalConv, TemporalConvConfig
from face1d_ros.nets.transformer import Transformer, TransformerConfig

FAMILIES: dict[str, tuple[type[Any], type[Any]]] = {
    Gru.family: (GruConfig, Gru),
    Lstm.family: (LstmConfig, Lstm),
    TemporalConv.family: (TemporalConvConfig, TemporalConv),
    SpatialConv.family: (SpatialConvConfig, SpatialConv),
    Transformer.family: (TransformerConfig, Transformer),
    BidirectionalLstm.family: (BidirectionalLstmConfig, BidirectionalLstm),
    Hybrid.family: (HybridConfig, Hybrid),
    OneDFormer.family: (OneDFormerConfig, OneDFormer),
    CurveCnn.family: (CurveCnnConfig, CurveCnn),
    CurveTransformer.family: (CurveTransformerConfig, CurveTransformer),
    CoefficientLstm.family: (CoefficientLstmConfig, CoefficientLstm),
    ConvLstm.family: (ConvLstmConfig, ConvLstm),
    ExpressionLogistic.family: (ExpressionConfig, ExpressionLogistic),
    ExpressionCnn.family: (ExpressionConfig, ExpressionCnn),
    ExpressionLstm.family: (ExpressionConfig, ExpressionLstm),
    MotionEncoder.family: (MotionEncoderConfig, MotionEncoder),
    EmbeddingLstm.family: (EmbeddingLstmConfig, EmbeddingLstm),
}
"""The configuration and the network of each."""


def make_network(family: str, config: Mapping[str, Any] | None = None) -> StreamingNetwork:
    """A network with random weights; `config` as it is in JSON, its defaults where it says nothing."""
    if family not in FAMILIES:
        raise ValueError(f"family: got '{family}', expected one of {', '.join(FAMILIES)}")
    configuration, network = FAMILIES[family]
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in (config or {}).items()}
    known = {field.name for field in dataclasses.fields(configuration)}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"{family}: unknown {', '.join(unknown)}, expected some of {', '.join(sorted(known))}")
    made: StreamingNetwork = network(configuration(**values))
    return made
